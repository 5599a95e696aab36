//! Reports: what people and machines read. They read data and decide nothing.

mod diagnostic;
mod visible;

pub use diagnostic::{Colour, render_problems};
pub use visible::visible;
