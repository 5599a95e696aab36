//! The records of persons: which keys each kind has, in which order.

use super::Flaw;
use super::page::{Form, Page, Reader, read_form};
use super::value::{ChangeId, CommitName, Contributor, Device, List, Name, Words};
use crate::gate::record::{
    Adopt, Approve, Change, Emergency, Hold, OverrideReject, PolicyRecord, Quarantine, Record, Reissue, Reject, Review,
    Revoke, Schedule, Scope, Withdraw,
};

/// The lines of one kind.
pub(super) trait Fields: Sized {
    fn read(lines: &mut Reader<'_>) -> Result<Self, Flaw>;
    fn write(&self, page: &mut Page);
}

/// Keys with the fields that hold them, in order. `need`: one line; `maybe`: none or one; `list`: a line of sorted words, or none;
/// a name behind it is the form that the string must have.
macro_rules! fields {
    ($type:ident: $($field:ident $key:literal $how:ident $($form:ident)?;)+) => {
        impl $crate::gate::grammar::record::Fields for $type {
            fn read(lines: &mut Reader<'_>) -> Result<$type, Flaw> {
                Ok($type { $($field: fields!(@read lines $key $how $($form)?),)+ })
            }

            fn write(&self, page: &mut Page) {
                $(fields!(@write page $key (&self.$field) $how $($form)?);)+
            }
        }
    };
    (@read $lines:ident $key:literal need) => { $lines.need($key)? };
    (@read $lines:ident $key:literal need $form:ident) => { $lines.need::<$form>($key)?.0 };
    (@read $lines:ident $key:literal maybe) => { $lines.optional($key)? };
    (@read $lines:ident $key:literal list $form:ident) => {
        $lines.optional::<List<$form>>($key)?.map_or_else(Vec::new, |list| list.0.into_iter().map(|i| i.0).collect())
    };
    (@read $lines:ident $key:literal every) => { $lines.every($key)? };
    (@write $page:ident $key:literal ($value:expr) need) => { $page.line($key, $value) };
    (@write $page:ident $key:literal ($value:expr) need $form:ident) => { $page.line($key, &$form($value.clone())) };
    (@write $page:ident $key:literal ($value:expr) maybe) => { $page.maybe($key, $value) };
    (@write $page:ident $key:literal ($value:expr) list $form:ident) => {
        $page.line($key, &List($value.iter().cloned().map($form).collect()))
    };
    (@write $page:ident $key:literal ($value:expr) every) => { $page.every($key, $value) };
}
pub(super) use fields;

fields! { Change:
    change "change" need ChangeId;
    file "file" need;
    base "base" need CommitName;
    head "head" need CommitName;
    content "content" need;
    meaning "meaning" need;
    devices "devices" list Device;
    contributors "contributors" list Contributor;
    says "says" need Words;
}
fields! { Approve:
    change "change" need ChangeId;
    content "content" need;
    meaning "meaning" need;
    stage "stage" need;
    role "role" need Name;
    says "says" need Words;
    vetting "vetting" maybe;
    not_after "not-after" need;
}
fields! { Reject:
    change "change" need ChangeId;
    reason "reason" need Words;
}
fields! { Revoke:
    change "change" need ChangeId;
    record "record" need;
    reason "reason" need Words;
}
fields! { Schedule:
    change "change" need ChangeId;
    start "start" need;
    end "end" need;
}
fields! { Hold:
    scope "change" need;
    until "until" need;
    reason "reason" need Words;
}
fields! { Withdraw:
    change "change" need ChangeId;
    reason "reason" need Words;
}
fields! { OverrideReject:
    change "change" need ChangeId;
    record "record" need;
    role "role" need Name;
    reason "reason" need Words;
}
fields! { PolicyRecord:
    change "change" need ChangeId;
    version "version" need;
    policy "policy" need;
    role "role" need Name;
}
fields! { Emergency:
    change "change" need ChangeId;
    content "content" need;
    until "until" need;
    reason "reason" need Words;
}
fields! { Review:
    change "change" need ChangeId;
    content "content" need;
    role "role" need Name;
    reason "reason" need Words;
}
fields! { Adopt:
    change "change" need ChangeId;
    device "device" need Device;
    bytes "bytes" need;
    head "head" need CommitName;
    role "role" need Name;
    reason "reason" need Words;
}
fields! { Quarantine:
    change "change" need ChangeId;
    device "device" need Device;
    until "until" need;
    reason "reason" need Words;
}
fields! { Reissue:
    change "change" need ChangeId;
    becomes "becomes" need ChangeId;
    reason "reason" need Words;
}

/// The kinds with the words that name them.
macro_rules! kinds {
    ($enum:ident $grammar:literal: $($word:literal $kind:ident,)+) => {
        impl Form for $enum {
            const GRAMMAR: &'static str = $grammar;

            fn kind(&self) -> &'static str {
                match self { $($enum::$kind(_) => $word,)+ }
            }

            fn read(kind: &str, lines: &mut Reader<'_>) -> Option<Result<$enum, Flaw>> {
                match kind {
                    $($word => Some($crate::gate::grammar::record::Fields::read(lines).map($enum::$kind)),)+
                    _ => None,
                }
            }

            fn write(&self, page: &mut Page) {
                match self { $($enum::$kind(fields) => $crate::gate::grammar::record::Fields::write(fields, page),)+ }
            }
        }
    };
}
pub(super) use kinds;

kinds! { Record "fwgate-record/1":
    "change" Change,
    "approve" Approve,
    "reject" Reject,
    "revoke" Revoke,
    "schedule" Schedule,
    "hold" Hold,
    "withdraw" Withdraw,
    "override-reject" OverrideReject,
    "policy" Policy,
    "emergency" Emergency,
    "review" Review,
    "adopt" Adopt,
    "quarantine" Quarantine,
    "reissue" Reissue,
}

impl Record {
    /// Reads the message of a commit.
    ///
    /// # Errors
    /// The first line that is not as the grammar has it.
    pub fn read(text: &str) -> Result<Record, Flaw> {
        read_form(text)
    }

    /// The message of the commit.
    pub fn text(&self) -> String {
        self.page()
    }

    /// The word of the first line: `approve`.
    pub fn kind(&self) -> &'static str {
        Form::kind(self)
    }

    /// The id of the change that it is about; `None` for a hold of every change.
    pub fn change(&self) -> Option<&str> {
        Some(match self {
            Record::Change(r) => &r.change,
            Record::Approve(r) => &r.change,
            Record::Reject(r) => &r.change,
            Record::Revoke(r) => &r.change,
            Record::Schedule(r) => &r.change,
            Record::Hold(Hold { scope: Scope::All, .. }) => return None,
            Record::Hold(Hold { scope: Scope::Change(id), .. }) => id,
            Record::Withdraw(r) => &r.change,
            Record::OverrideReject(r) => &r.change,
            Record::Policy(r) => &r.change,
            Record::Emergency(r) => &r.change,
            Record::Review(r) => &r.change,
            Record::Adopt(r) => &r.change,
            Record::Quarantine(r) => &r.change,
            Record::Reissue(r) => &r.change,
        })
    }
}
