"""Asks the kernel what it does with packets: requests in as JSON lines, verdicts out as JSON lines.

One process owns three routers, each a network namespace of its own (one per hook), and one namespace for the
other ends of their cables. The namespaces have no name: they are held by file descriptors only and vanish with
this process, however it ends. No interface leads out of them.

A ruleset is loaded with the distribution's own tools, then a table of observers at the far ends of the priority
range is put around it. Every packet carries a number (IPv4: identification; IPv6: flow label); the observers
report it, so that what became of each packet is known without counting on time or order. The last observer drops
what was accepted, so no reply is made and no connection is ever confirmed.
"""

import ctypes
import errno
import ipaddress
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
TABLE = "fwgate_judge"
FIRST, LAST = -2147483000, 2147483000
SENTINEL = 0xFFFF
# Packets from this number on are to be untracked: exempted between the raw chains and conntrack, so that the raw
# chains see what they would see anyway.
UNTRACKED_FROM = 50000
# The mark of our own raw packets; what comes without it in the output hook is a reply of the kernel's.
OURS = 0x6A756467
# An address for masquerading and for the source of replies, the same everywhere and never used in packets.
OWN4, OWN6 = "198.18.255.254", "fd00:6a75:6467::1"
LOG_GROUP = 7
# So many reports come at once; as many end marks push out the last ones, which a timer would keep back.
BATCH = 25
# So many packets are sent before their reports are awaited, far fewer than the kernel's backlog holds.
WINDOW = 400
STATES = {"0": "new", "1": "established", "2": "related", "3": "invalid", "4": "untracked"}


def setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns: " + os.strerror(ctypes.get_errno()))


def new_namespace():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def run(args, text="", fds=()):
    """Runs a tool in the current namespace; its exit code and what it said."""
    done = subprocess.run(args, input=text.encode(), capture_output=True, pass_fds=fds)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def must(args, text="", fds=()):
    code, said = run(args, text, fds)
    if code != 0:
        raise RuntimeError("%s: exit %d: %s" % (" ".join(args), code, said.strip()))
    return said


def wait_up(name):
    for _ in range(2000):
        if " state UP " in must(["ip", "-o", "link", "show", "dev", name]):
            return
        time.sleep(0.001)
    raise RuntimeError("the cable at %s does not come up" % name)


def sysctl(path, value):
    try:
        with open("/proc/sys/net/" + path, "w") as f:
            f.write(value)
    except FileNotFoundError:
        pass


# ---------------------------------------------------------------------------------------------- netlink

def attribute(kind, body, nested=False):
    length = 4 + len(body)
    return struct.pack("=HH", length, kind | (0x8000 if nested else 0)) + body + b"\0" * (-length % 4)


class Netlink:
    """A netlink socket (to netfilter), bound to the namespace in which it was made."""

    def __init__(self, protocol=12):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.bind((0, 0))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 128 << 20)  # SO_RCVBUFFORCE
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sequence = 0

    def message(self, kind, flags, family, resource, body):
        self.sequence += 1
        return self.bare(kind, flags, struct.pack("=BBH", family, 0, socket.htons(resource)) + body)

    def bare(self, kind, flags, payload):
        return struct.pack("=IHHII", 16 + len(payload), kind, flags | 1, self.sequence, 0) + payload

    def request(self, messages):
        """Sends messages that ask for an acknowledgement each; returns the error numbers."""
        errors = []
        for at in range(0, len(messages), 100):
            part = messages[at:at + 100]
            self.socket.send(b"".join(part))
            left = len(part)
            while left:
                data = self.socket.recv(1 << 20)
                off = 0
                while off < len(data):
                    length, kind = struct.unpack_from("=IH", data, off)
                    if kind == 2:
                        errors.append(-struct.unpack_from("=i", data, off + 16)[0])
                        left -= 1
                    off += (length + 3) & ~3
        return errors


class Log:
    """Reads what the observers report."""

    def __init__(self):
        self.netlink = Netlink()
        config = (4 << 8) | 1
        link = self.netlink
        bind = attribute(1, bytes([1])) + attribute(2, struct.pack(">IBB", 128, 2, 0))
        bind += attribute(3, struct.pack(">I", 65536)) + attribute(4, struct.pack(">I", 1))
        bind += attribute(5, struct.pack(">I", BATCH))
        errors = link.request([link.message(config, 4, 0, LOG_GROUP, bind)])
        if any(errors):
            raise RuntimeError("cannot bind the log group: %s" % os.strerror(max(errors)))
        link.socket.settimeout(10)

    def read(self, handle):
        """Calls handle(prefix letter, payload) for each report until it returns true."""
        receive = self.netlink.socket.recv
        header = struct.Struct("=HH").unpack_from
        done = False
        while not done:
            try:
                data = receive(1 << 20)
            except socket.timeout:
                raise RuntimeError("the end mark of a batch never came")
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    raise RuntimeError("reports were lost")
                raise
            off, total = 0, len(data)
            while off < total:
                length, kind = struct.unpack_from("=IH", data, off)
                end = off + length
                if kind == (4 << 8):
                    at = off + 20
                    prefix = payload = None
                    while at < end:
                        size, attr = header(data, at)
                        if attr == 10:
                            prefix = data[at + 4]
                        elif attr == 9:
                            payload = data[at + 4:at + size]
                        at += (size + 3) & ~3
                    if payload is not None and prefix is not None and handle(prefix, payload):
                        done = True
                off += (length + 3) & ~3


# ---------------------------------------------------------------------------------------------- packets

def inet_sum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) >> 1), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


CRC32C = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = (_crc >> 1) ^ (0x82F63B78 if _crc & 1 else 0)
    CRC32C.append(_crc)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


PROTO = {"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50,
         "ah": 51, "icmpv6": 58, "ospf": 89, "sctp": 132, "udplite": 136}
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}
HAS_PORTS = {6, 17, 33, 132, 136}
# The verification tag of every SCTP association that we pretend to have.
VTAG = 0x76746167


class Wish:
    """One packet as asked for, with what is needed to make it."""

    __slots__ = ("n", "index", "family", "src", "dst", "proto", "sport", "dport", "flags", "type", "code", "iif",
                 "oif", "state", "fragment", "mark", "connmark", "length", "ttl", "tos", "mac", "pkttype", "spi",
                 "ext", "raw", "sent", "rtype", "left", "mhtype", "checked")

    def __init__(self, index, p):
        self.index = index
        self.family = p["family"]
        ip = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        self.src, self.dst = ip(p["src"]).packed, ip(p["dst"]).packed
        proto = p["proto"]
        if isinstance(proto, str) and proto not in PROTO:
            proto = socket.getprotobyname(proto)
        self.proto = PROTO.get(proto, proto)
        self.sport, self.dport = p.get("sport", 0), p.get("dport", 0)
        self.flags = sum(FLAGS[f] for f in p.get("tcp_flags", "").split("|") if f)
        self.type, self.code = p.get("icmp_type", 0), p.get("icmp_code", 0)
        self.iif, self.oif = p.get("iif") or "other", p.get("oif") or "other"
        self.state = p.get("state", "new")
        self.fragment = p.get("fragment", "none")
        self.mark, self.connmark = p.get("mark", 0), p.get("connmark", 0)
        self.length = p.get("length", 0)
        self.ttl = p.get("ttl", 64)
        self.tos = p.get("dscp", 0) << 2 | p.get("ecn", 0)
        self.mac = bytes(int(b, 16) for b in p.get("mac", "00:00:00:00:00:00").split(":"))
        self.pkttype = p.get("pkttype", "unicast")
        self.spi = p.get("esp_spi", 0) if self.proto == 50 else p.get("ah_spi", 0)
        self.ext = [k for k in ("ext_hop", "ext_dst", "ext_routing", "ext_fragment", "ext_auth")
                    if p.get(k)]
        self.rtype, self.left, self.mhtype = (p.get(k, 0) for k in ("routing_type", "segments_left", "mobility_type"))
        # Conntrack looks at checksums of what arrives only.
        self.checked = True
        self.raw = None
        self.sent = 0

    def key(self):
        """What conntrack tells connections apart by; ICMP carries the packet's number."""
        if self.proto in HAS_PORTS and self.proto != 33:
            return min((self.src, self.sport, self.dst, self.dport),
                       (self.dst, self.dport, self.src, self.sport)), self.proto
        if self.proto in (1, 58):
            return self.n
        return min((self.src, self.dst), (self.dst, self.src)), self.proto

    def pseudo(self, length, proto):
        if self.family == 4:
            return self.src + self.dst + struct.pack("!BBH", 0, proto, length)
        return self.src + self.dst + struct.pack("!II", length, proto)

    def layer4(self, room):
        """The layer-4 header and its data, at least `room` bytes long."""
        proto, bad = self.proto, self.state == "invalid"
        number = struct.pack("!H", self.n)

        def pad(n):
            return b"\0" * max(0, n)

        if proto == 6:
            offset = 5
            if bad:
                offset = 15 if room < 60 else 4
            # A reset answers with these numbers plus or minus a length.
            middle = self.n << 16 | 0x4000
            header = struct.pack("!HHIIBBHHH", self.sport, self.dport, middle, middle, offset << 4,
                                 self.flags, 65535, 0, 0)
            body = header + pad(room - 20)
            return self.summed(body, 16)
        if proto == 17:
            body = pad(room - 8)
            header = struct.pack("!HHHH", self.sport, self.dport, 8 + len(body) + (9 if bad else 0), 0)
            return header + body if bad else self.summed(header + body, 6)
        if proto == 136:
            header = struct.pack("!HHHH", self.sport, self.dport, 3 if bad else 0, 0)
            # Linux checks UDP-Lite with the pseudo-header of UDP; a right checksum would make every packet INVALID.
            return self.summed(header + pad(room - 8), 6, 17)
        if proto in (1, 58) and (proto == 1) == (self.family == 4):
            errors = (3, 4, 5, 11, 12) if proto == 1 else (1, 2, 3, 4)
            quote = self.quote() if self.type in errors else b""
            body = struct.pack("!BBH", self.type, self.code, 0) + number + number + quote
            body += pad(room - len(body))
            total = inet_sum(body if proto == 1 else self.pseudo(len(body), 58) + body)
            total = (~total & 0xFFFF) ^ (0x5555 if bad and self.checked else 0)
            return body[:2] + struct.pack("!H", total) + body[4:]
        if proto == 132:
            if self.state in ("new", "invalid"):
                chunk = struct.pack("!BBHIIHHI", 1, 0, 20, VTAG, 65536, 1, 1, 1)
                tag = 0
            else:
                chunk, tag = struct.pack("!BBHI", 4, 0, 8, 1 << 16 | 4), VTAG
            if room > 12 + len(chunk):
                fill = (room - 12 - len(chunk) + 3) & ~3
                chunk += struct.pack("!BBH", 0x84, 0, fill) + pad(fill - 4)
            body = struct.pack("!HHII", self.sport, self.dport, tag, 0) + chunk
            total = crc32c(body) ^ (0xFF if bad and self.checked else 0)
            return body[:8] + struct.pack("<I", total) + body[12:]
        if proto == 33:
            header = struct.pack("!HHBBHBBHII", self.sport, self.dport, 5, 0, 0, 1, 0, 0, self.n, 0)
            return self.summed(header + pad(room - 20), 6)
        if proto == 47:
            return struct.pack("!HH", 0, 0x0800) + pad(max(4, room - 4))
        if proto == 50:
            return struct.pack("!II", self.spi, self.n) + pad(max(8, room - 8))
        if proto == 135:
            return struct.pack("!BBBBHH", 59, 0, self.mhtype, 0, 0, 0) + pad(room - 8)
        if proto == 51 and self.family == 4:
            return struct.pack("!BBHII", 59, 4, 0, self.spi, self.n) + pad(max(12, room - 12))
        return pad(max(8, room))

    def summed(self, data, at, proto=None):
        total = ~inet_sum(self.pseudo(len(data), proto or self.proto) + data) & 0xFFFF
        return data[:at] + struct.pack("!H", total or 0xFFFF) + data[at + 2:]

    def quote(self):
        """What an ICMP error quotes: a UDP packet that went the other way; conntrack has an entry for it if the
        packet is to be RELATED."""
        ports = struct.pack("!HHHH", 4000, 20000 + self.n % 40000, 8, 0)
        if self.family == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 28, self.n, 0, 64, 17, 0) + self.dst + self.src
            return head[:10] + struct.pack("!H", ~inet_sum(head) & 0xFFFF) + head[12:] + ports
        return struct.pack("!IHBB", 6 << 28, 8, 17, 64) + self.dst + self.src + ports

    def build(self):
        """The whole layer-3 packet, or a list of pieces of it."""
        if self.family == 4:
            return self.build4()
        return self.build6()

    def build4(self):
        if self.fragment == "later":
            offset, body = 0x00B9, b"\0" * max(16, self.length - 20)
        else:
            body = self.layer4(self.length - 20)
            offset = 0
            if self.fragment == "first":
                body += b"\0" * (-len(body) % 8)
                offset = 0x2000
        return self.head4(offset, body)

    def head4(self, offset, body):
        head = struct.pack("!BBHHHBBH", 0x45, self.tos, 20 + len(body), self.n, offset, self.ttl, self.proto, 0)
        head += self.src + self.dst
        return head[:10] + struct.pack("!H", ~inet_sum(head) & 0xFFFF) + head[12:] + body

    def build6(self):
        chain = []
        for name in self.ext:
            if name == "ext_hop":
                chain.append((0, b"\1\4\0\0\0\0"))
            elif name == "ext_dst":
                chain.append((60, b"\1\4\0\0\0\0"))
            elif name == "ext_routing":
                chain.append((43, struct.pack("!BBI", self.rtype, self.left, 0) + b"\0" * 16))
            elif name == "ext_auth":
                chain.append((51, struct.pack("!HII", 0, self.spi, self.n) + b"\0" * 12))
            elif name == "ext_fragment" and self.fragment == "none":
                chain.append((44, b"atomic"))
        size = sum(8 if k == 44 else 2 + len(b) for k, b in chain) + (8 if self.fragment != "none" else 0)
        if self.fragment == "later":
            body = b"\0" * max(16, self.length - 40 - size)
            chain.append((44, b"later"))
        else:
            body = self.layer4(self.length - 40 - size)
            if self.fragment == "first":
                body += b"\0" * (-len(body) % 8)
                chain.append((44, b"first"))
        following = self.proto
        out = body
        for kind, data in reversed(chain):
            if kind == 44:
                place = {b"atomic": 0, b"first": 1, b"later": 0xB8}[data]
                out = struct.pack("!BBHI", following, 0, place, self.n) + out
            elif kind == 51:
                out = struct.pack("!BB", following, (2 + len(data)) // 4 - 2) + data + out
            else:
                out = struct.pack("!BB", following, (2 + len(data)) // 8 - 1) + data + out
            following = kind
        head = struct.pack("!IHBB", 6 << 28 | self.tos << 20 | self.n, len(out), following, self.ttl)
        return head + self.src + self.dst + out


# ---------------------------------------------------------------------------------------------- routers

class Router:
    """The namespace in which one hook is judged."""

    def __init__(self, hook, farm, addresses):
        self.hook, self.farm, self.addresses = hook, farm, addresses
        self.cables = {}
        self.route = {}
        self.fd = new_namespace()
        self.log = Log()
        self.link = Netlink()
        self.routes = Netlink(0)
        self.round = 0
        self.observed = False
        self.backends = set()
        self.loaded_sets = False
        self.sockets = {}
        for family in ("ipv4", "ipv6"):
            for scope in ("all", "default"):
                base = "%s/conf/%s/" % (family, scope)
                for name, value in (("forwarding", "1"), ("accept_local", "1"), ("rp_filter", "0"),
                                    ("send_redirects", "0"), ("accept_dad", "0"), ("dad_transmits", "0"),
                                    ("addr_gen_mode", "1"), ("router_solicitations", "0"), ("accept_ra", "0"),
                                    ("route_localnet", "1"), ("accept_source_route", "1"), ("disable_ipv6", "0"),
                                    ("force_igmp_version", "0")):
                    sysctl(base + name, value)
        sysctl("ipv4/ip_forward", "1")
        sysctl("ipv4/icmp_ratelimit", "0")
        sysctl("ipv4/icmp_ratemask", "0")
        sysctl("ipv4/icmp_msgs_per_sec", "1000000000")
        sysctl("ipv4/icmp_msgs_burst", "1000000000")
        sysctl("ipv4/icmp_echo_ignore_broadcasts", "0")
        sysctl("ipv6/icmp/ratelimit", "0")
        sysctl("ipv6/icmp/ratemask", "")
        sysctl("netfilter/nf_conntrack_checksum", "1")
        must(["ip", "link", "set", "lo", "up", "mtu", "65536"])
        must(["ip", "addr", "add", OWN4 + "/32", "dev", "lo"])
        must(["ip", "addr", "add", OWN6 + "/128", "dev", "lo"])
        if addresses:
            # A device with these addresses only; they are those of eth0.
            self.cable("eth0")
            for address in addresses:
                must(["ip", "addr", "add", address, "dev", "eth0"] + (["nodad"] if ":" in address else []))
        elif hook == "input":
            must(["ip", "route", "add", "local", "default", "dev", "lo", "table", "local"])
            must(["ip", "-6", "route", "add", "local", "default", "dev", "lo", "table", "local"])

    def mac(self, name):
        return bytes([2, 0x6A, 0, 0, 0, self.cables[name]])

    def cable(self, name):
        """The packet socket at the far end of the cable to interface `name`."""
        if name in self.sockets:
            return self.sockets[name]
        if name == "lo":
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            end.bind(("lo", 0))
            self.cables[name] = 0
        else:
            self.farm.count += 1
            far = "far%d" % self.farm.count
            self.cables[name] = len(self.cables) + 1
            must(["ip", "link", "add", name, "address", ":".join("%02x" % b for b in self.mac(name)), "mtu", "65535",
                  "type", "veth", "peer", "name", far, "netns", "/proc/self/fd/%d" % self.farm.fd],
                 fds=(self.farm.fd,))
            setns(self.farm.fd)
            must(["ip", "link", "set", far, "mtu", "65535", "up"])
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            end.bind((far, 0))
            setns(self.fd)
            must(["ip", "link", "set", name, "up"])
            # The kernel starts the queues of a new cable a little later and loses what is sent before.
            setns(self.farm.fd)
            wait_up(far)
            setns(self.fd)
            wait_up(name)
            if not self.addresses:
                # REDIRECT goes to an address of the incoming interface.
                number = self.cables[name]
                must(["ip", "addr", "add", "198.18.254.%d/32" % number, "dev", name])
                must(["ip", "addr", "add", "fd00:6a75:6467:1::%x/128" % number, "dev", name, "nodad"])
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.sockets[name] = end
        return end

    def route_out(self, family, name):
        """Sends everything that is not for this host out of `name`."""
        if self.route.get(family) == name:
            return
        if name != "lo":
            self.cable(name)
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        scope = 253 if family == 4 else 0
        body = struct.pack("=BBBBBBBBI", kind, 0, 0, 0, 254, 3, scope, 1, 0)
        body += attribute(4, struct.pack("=I", socket.if_nametoindex(name)))
        old = self.route.get(family)
        flags = 0x504 if family == 4 else 0x404
        messages = [self.routes.bare(24, flags, body)]
        if family == 6 and old:
            gone = struct.pack("=BBBBBBBBI", kind, 0, 0, 0, 254, 3, scope, 1, 0)
            gone += attribute(4, struct.pack("=I", socket.if_nametoindex(old)))
            messages.insert(0, self.routes.bare(25, 4, gone))
        errors = self.routes.request(messages)
        if any(errors):
            raise RuntimeError("cannot route to %s: %r" % (name, errors))
        self.route[family] = name

    def output_socket(self, family):
        key = "raw%d" % family
        if key not in self.sockets:
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            raw = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
            raw.setsockopt(socket.SOL_SOCKET, 36, OURS)  # SO_MARK
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            if family == 4:
                raw.setsockopt(socket.IPPROTO_IP, 22, 1)  # IP_NODEFRAG
            else:
                raw.setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
            self.sockets[key] = raw
        return self.sockets[key]

    # ------------------------------------------------------------------------------------------ rulesets

    def flush(self):
        must(["nft", "flush", "ruleset"])
        self.observed = False
        for family in ("4", "6"):
            if ("legacy", family) in self.backends:
                tool = "iptables-legacy-restore" if family == "4" else "ip6tables-legacy-restore"
                text = "".join("*%s\n%sCOMMIT\n" % (table, "".join(":%s ACCEPT\n" % c for c in chains))
                               for table, chains in TABLES.items() if (family, table) in self.backends)
                must([tool, "-w"], text)
        self.backends.clear()
        if self.loaded_sets:
            # The kernel lets go of the sets of deleted nft rules a little later.
            for _ in range(400):
                run(["ipset", "flush"])
                code, said = run(["ipset", "destroy"])
                if code == 0:
                    break
                time.sleep(0.005)
            else:
                raise RuntimeError("cannot destroy the sets: " + said)
            self.loaded_sets = False

    def load(self, request, options=()):
        """Loads a ruleset; returns None, or who refused it and with what words."""
        backend = request.get("backend", "legacy")
        if request.get("ipset"):
            self.loaded_sets = True
            code, said = run(["ipset", "restore"], request["ipset"])
            if code != 0:
                return {"by": "ipset", "said": said.strip()}
        for key, name in (("v4", "iptables"), ("v6", "ip6tables")):
            text = request.get(key)
            if not text:
                continue
            if backend == "legacy":
                self.backends.add(("legacy", key[1]))
                for line in text.splitlines():
                    if line.startswith("*"):
                        self.backends.add((key[1], line[1:].strip()))
            tool = "%s-%s-restore" % (name, backend)
            code, said = run([tool] + (["-w"] if backend == "legacy" else []), text)
            if code != 0:
                return {"by": tool, "said": said.strip()}
        if request.get("nft"):
            code, said = run(["nft", *options, "-f", "-"], request["nft"])
            if code != 0:
                return {"by": "nft", "said": said.strip()}
        return None

    def observe(self, family, wishes, conntrack):
        """Puts the observers around what is loaded."""
        number = "ip id" if family == 4 else "ip6 flowlabel"
        marks = ", ".join("%d : 0x%x" % (w.n, w.mark) for w in wishes if w.mark)
        chains = []

        def chain(name, hook, priority, *rules):
            chains.append("chain %s { type filter hook %s priority %d; policy accept;\n%s\n}"
                          % (name, hook, priority, "\n".join(rules)))

        def log(letter, size=8):
            return 'log prefix "%s" group %d snaplen %d' % (letter, LOG_GROUP, size)

        start = ["%s %d %s drop" % (number, SENTINEL, log("Z", 48)), log("a")]
        mark = "meta mark set %s map { %s }" % (number, marks) if marks else ""
        exempt = "%s >= %d notrack" % (number, UNTRACKED_FROM)
        states = ['ct state %s %s accept' % (name, log(letter)) for letter, name in STATES.items()]
        end = [log("f", 64), "drop"]
        entry = "output" if self.hook == "output" else "prerouting"
        if self.hook == "output":
            chain("first", "output", FIRST, "meta mark != 0x%x %s drop" % (OURS, log("r", 128)), *start,
                  "meta mark set 0", mark)
            chain("b", "output", LAST, log("d"))
        else:
            chain("first", "prerouting", FIRST, *start, mark)
            chain("b", "prerouting", LAST, log("b"))
            chain("reply", "output", FIRST, log("r", 128), "drop")
        if conntrack:
            chain("exempt", entry, -201, exempt)
            chain("state", entry, -199, *states)
        if self.hook == "input":
            chain("c", "input", FIRST, log("c"))
            chain("f", "input", LAST, *end)
            chain("stray", "forward", FIRST, log("s"), "drop")
        elif self.hook == "forward":
            chain("c", "forward", FIRST, log("c"))
            chain("d", "forward", LAST, log("d"))
            chain("e", "postrouting", FIRST, log("e"))
            chain("f", "postrouting", LAST, *end)
            chain("stray", "input", FIRST, log("s"), "drop")
        else:
            chain("e", "postrouting", FIRST, log("e"))
            chain("f", "postrouting", LAST, *end)
            chain("stray", "prerouting", FIRST, "drop")
        table = "ip" if family == 4 else "ip6"
        must(["nft", "-f", "-"], "table %s %s {\n%s\n}\n" % (table, TABLE, "\n".join(chains)))

    # ------------------------------------------------------------------------------------------ conntrack

    def flush_conntrack(self):
        link = self.link
        errors = link.request([link.message(1 << 8 | 2, 4, 0, 0, b"")])
        if any(e not in (0, errno.ENOENT) for e in errors):
            raise RuntimeError("cannot flush conntrack: %r" % errors)

    def entry(self, w):
        """The netlink messages that make conntrack know the connection of a packet."""
        family = socket.AF_INET if w.family == 4 else socket.AF_INET6
        kinds = (1, 2) if w.family == 4 else (3, 4)
        link = self.link

        def tup(kind, src, dst, proto, *more):
            ip = attribute(kinds[0], src) + attribute(kinds[1], dst)
            l4 = attribute(1, bytes([proto])) + b"".join(attribute(k, v) for k, v in more)
            return attribute(kind, attribute(1, ip, True) + attribute(2, l4, True), True)

        def port(n):
            return struct.pack("!H", n)

        def both(src, dst, proto, there, back):
            return tup(1, src, dst, proto, *there) + tup(2, dst, src, proto, *back)

        def state(proto):
            if proto == 6:
                free = bytes([8, 8])
                inner = attribute(1, b"\3") + attribute(4, free) + attribute(5, free)
                return attribute(4, attribute(1, inner, True), True)
            if proto == 132:
                tag = struct.pack("!I", VTAG)
                inner = attribute(1, b"\4") + attribute(2, tag) + attribute(3, tag)
                return attribute(4, attribute(3, inner, True), True)
            return b""

        def message(tuples, proto, status, master=b""):
            body = tuples + state(proto) + attribute(3, struct.pack("!I", status))
            body += attribute(7, struct.pack("!I", 600)) + attribute(8, struct.pack("!I", w.connmark)) + master
            return link.message(1 << 8, 0x604, family, 0, body)

        seen, assured, confirmed = 2, 4, 8
        if w.proto in (1, 58) and w.type in ((3, 4, 5, 11, 12) if w.proto == 1 else (1, 2, 3, 4)):
            other = port(20000 + w.n % 40000)
            tuples = both(w.dst, w.src, 17, ((2, port(4000)), (3, other)), ((2, other), (3, port(4000))))
            return [message(tuples, 17, seen | assured | confirmed)]
        if w.proto in HAS_PORTS and w.proto != 33:
            a, b = port(w.sport), port(w.dport)
            tuples = both(w.src, w.dst, w.proto, ((2, a), (3, b)), ((2, b), (3, a)))
        elif w.proto == 1:
            back = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}.get(w.type, w.type)
            number = port(w.n)
            tuples = both(w.src, w.dst, 1, ((4, number), (5, bytes([w.type])), (6, bytes([w.code]))),
                          ((4, number), (5, bytes([back])), (6, bytes([w.code]))))
        elif w.proto == 58:
            back = {128: 129, 129: 128, 139: 140, 140: 139}.get(w.type, w.type)
            number = port(w.n)
            tuples = both(w.src, w.dst, 58, ((7, number), (8, bytes([w.type])), (9, bytes([w.code]))),
                          ((7, number), (8, bytes([back])), (9, bytes([w.code]))))
        elif w.proto == 47:
            tuples = both(w.src, w.dst, 47, ((2, port(0)), (3, port(0))), ((2, port(0)), (3, port(0))))
        else:
            tuples = both(w.src, w.dst, w.proto, (), ())
        if w.state == "established":
            return [message(tuples, w.proto, seen | assured | confirmed)]
        # RELATED: an entry that another one has announced. The announcing one is the same for all.
        src, dst = b"\xc6\x12\xff\x01", b"\xc6\x12\xff\x02"
        if w.family == 6:
            src, dst = b"\xfd" + b"\1" * 15, b"\xfd" + b"\2" * 15
        there, back = ((2, port(1)), (3, port(2))), ((2, port(2)), (3, port(1)))
        first = message(both(src, dst, 17, there, back), 17, seen | assured | confirmed)
        return [first, message(tuples, w.proto, confirmed, tup(14, src, dst, 17, *there))]

    # ------------------------------------------------------------------------------------------ sending

    def send(self, wishes):
        """Sends packets in order and reads all reports of them."""
        for w in wishes:
            if w.raw is None:
                w.raw = w.build()
                w.sent = len(w.raw)
        family = wishes[0].family
        if self.hook == "output":
            groups = {}
            for w in wishes:
                groups.setdefault(w.oif, []).append(w)
            for name, group in groups.items():
                self.route_out(family, name)
                raw = self.output_socket(family)
                to = ("192.0.2.1", 0) if family == 4 else ("2001:db8:ffff::1", 0)
                for w in group:
                    try:
                        raw.sendto(w.raw, to)
                    except OSError as error:
                        # A packet that is dropped on its way makes the call fail; the reports tell which.
                        if error.errno not in (errno.EPERM, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EINVAL,
                                               errno.EACCES, errno.ENETDOWN, errno.EMSGSIZE, errno.ENOBUFS):
                            raise
        else:
            groups = {}
            for w in wishes:
                groups.setdefault(w.oif if self.hook == "forward" else "", []).append(w)
            for name, group in groups.items():
                if name:
                    self.route_out(family, name)
                kind = b"\x08\x00" if family == 4 else b"\x86\xdd"
                for w in group:
                    self.cable(w.iif)
                for at, w in enumerate(group):
                    if at % WINDOW == WINDOW - 1:
                        self.finish(family)
                    end = self.sockets[w.iif]
                    if w.iif == "lo":
                        to = bytes(6)
                    elif w.pkttype == "unicast":
                        to = self.mac(w.iif)
                    elif w.pkttype == "broadcast":
                        to = b"\xff" * 6
                    elif w.pkttype == "multicast":
                        to = b"\x01\x00\x5e\x00\x00\x01"
                    else:
                        to = b"\x02\xff\xff\xff\xff\xff"
                    end.send(to + w.mac + kind + w.raw)
                # The route is changed next: everything must have been through.
                self.finish(family)
            return
        self.finish(family)

    def finish(self, family):
        """Sends end marks and reads the reports up to the first of them."""
        self.round = self.round % 60000 + 1
        end = Wish(0, {"family": family, "src": "192.0.2.1" if family == 4 else "2001:db8:ffff::1", "proto": 17,
                       "dst": "192.0.2.2" if family == 4 else "2001:db8:ffff::2", "sport": self.round, "dport": 1})
        end.n = SENTINEL
        raw = end.build()
        if self.hook == "output":
            to = ("192.0.2.2" if family == 4 else "2001:db8:ffff::2", 0)
            for _ in range(BATCH):
                try:
                    self.output_socket(family).sendto(raw, to)
                except OSError:
                    pass
        else:
            frame = self.mac("other") + bytes(6) + (b"\x08\x00" if family == 4 else b"\x86\xdd") + raw
            for _ in range(BATCH):
                self.sockets["other"].send(frame)
        self.log.read(self.handler(family))

    def handler(self, family):
        stages, finals, replies = self.stages, self.finals, self.replies
        bits = {ord(c): 1 << i for i, c in enumerate("abcdefs")}
        states = {ord(c): name for c, name in STATES.items()}
        found = self.states
        port, mark = 20 if family == 4 else 40, struct.pack("!H", self.round)

        def handle(prefix, payload):
            if family == 4:
                n = payload[4] << 8 | payload[5]
            else:
                n = payload[2] << 8 | payload[3]
            bit = bits.get(prefix)
            if bit is not None:
                stages[n] |= bit
                if prefix == 102:
                    finals[n] = payload
            elif prefix in states:
                found[n] = states[prefix]
            elif prefix == 90:
                return payload[port:port + 2] == mark
            elif prefix == 114:
                reply = reject_of(family, payload)
                if reply:
                    replies[reply[0]] = reply[1]
            return False

        return handle

    # ------------------------------------------------------------------------------------------ judging

    def told(self, request):
        """What a tool says of a ruleset: how it is listed once it is loaded, or its translation to nft."""
        setns(self.fd)
        self.flush()
        if request["tell"] == "translation":
            if request.get("ipset"):
                self.loaded_sets = True
                must(["ipset", "restore"], request["ipset"])
            name = "iptables" if request.get("v4") else "ip6tables"
            code, said = run([name + "-restore-translate", "-f", "/dev/stdin"], request.get("v4") or request["v6"])
            self.flush()
            return {"refused": {"by": name, "said": said}} if code != 0 else {"told": [said]}
        refused = self.load(request, ["-o"] if request["tell"] == "optimised" else [])
        listed = [] if refused else [run(["nft"] + flags + ["list", "ruleset"]) for flags in ([], ["-j"])]
        self.flush()
        # nft 1.0.6 dies of some rulesets that it has loaded itself.
        died = [said for code, said in listed if code != 0]
        if died:
            refused = {"by": "nft list", "said": died[0]}
        return {"refused": refused} if refused else {"told": [said for _, said in listed]}

    def judge(self, request):
        setns(self.fd)
        self.flush()
        refused = self.load(request)
        if refused:
            self.flush()
            return {"refused": refused}
        family = request["family"]
        wishes = [Wish(i, p) for i, p in enumerate(request["packets"])]
        results = [None] * len(wishes)
        conntrack = request.get("conntrack", True)
        for at in range(0, len(wishes), 10000):
            part = wishes[at:at + 10000]
            self.judge_part(family, part, conntrack, results)
        return {"packets": results}

    def judge_part(self, family, wishes, conntrack, results):
        self.stages = bytearray(65536)
        self.states, self.finals, self.replies = {}, {}, {}
        for i, w in enumerate(wishes):
            w.checked = self.hook != "output"
            w.n = i + 1 + (UNTRACKED_FROM if w.state == "untracked" else 0)
        if self.observed:
            must(["nft", "delete", "table", "ip" if family == 4 else "ip6", TABLE])
        self.observed = True
        self.observe(family, wishes, conntrack)
        if self.hook != "output":
            self.cable("other")
        plain = [w for w in wishes if w.state not in ("established", "related") or not conntrack]
        known = [w for w in wishes if w.state in ("established", "related") and conntrack]
        if plain:
            self.send(plain)
        while known:
            keys, now, later = set(), [], []
            for w in known:
                key = w.key()
                if key in keys:
                    later.append(w)
                else:
                    keys.add(key)
                    now.append(w)
            self.flush_conntrack()
            self.link.request([m for w in now for m in self.entry(w)])
            self.send(now)
            known = later
        if conntrack:
            self.flush_conntrack()
        for w in wishes:
            results[w.index] = self.result(w, conntrack)

    def result(self, w, conntrack):
        stage = self.stages[w.n]
        a, b, c, d, e, f, stray = (bool(stage & 1 << i) for i in range(7))
        out = {"length": w.sent}
        if w.n in self.states:
            out["state"] = self.states[w.n]
        reply = self.replies.get(w.n)
        if f:
            out["verdict"] = "accept"
            final = final_of(w.family, self.finals[w.n])
            if final:
                out["final"] = final
        elif not a:
            out["verdict"] = "undelivered"
        elif stray:
            out["verdict"] = "elsewhere"
        elif conntrack and w.fragment != "none" and not b and not d:
            # Waits for the other fragments until it is forgotten.
            out["verdict"] = "lost"
        elif self.hook == "input":
            out["verdict"] = "undelivered" if b and not c else "drop"
        elif self.hook == "forward":
            out["verdict"] = "undelivered" if b and not c or d and not e else "drop"
        else:
            out["verdict"] = "undelivered" if d and not e else "drop"
        if out["verdict"] == "drop" and reply:
            out["verdict"] = "reject"
            out["with"] = reply
        if out["verdict"] == "drop":
            out["where"] = "prerouting" if not b and self.hook != "output" else \
                "postrouting" if e else self.hook
        return out


REJECT4 = {(3, 0): "icmp-net-unreachable", (3, 1): "icmp-host-unreachable", (3, 2): "icmp-proto-unreachable",
           (3, 3): "icmp-port-unreachable", (3, 9): "icmp-net-prohibited", (3, 10): "icmp-host-prohibited",
           (3, 13): "icmp-admin-prohibited"}
REJECT6 = {(1, 0): "icmp6-no-route", (1, 1): "icmp6-adm-prohibited", (1, 3): "icmp6-addr-unreachable",
           (1, 4): "icmp6-port-unreachable", (1, 5): "icmp6-policy-fail", (1, 6): "icmp6-reject-route"}


def reject_of(family, packet):
    """The packet number and the kind of a reply that refuses a packet."""
    head = (packet[0] & 15) * 4 if family == 4 else 40
    proto = packet[9] if family == 4 else packet[6]
    if len(packet) < head + 8:
        return None
    if proto == 6:
        seq, ack, _, flags = struct.unpack_from("!IIBB", packet, head + 4)
        if not flags & 4:
            return None
        return (ack if flags & 16 else seq) >> 16, "tcp-reset"
    if proto == 1 and family == 4 and len(packet) >= head + 14:
        kind = REJECT4.get((packet[head], packet[head + 1]))
        return (packet[head + 12] << 8 | packet[head + 13], kind) if kind else None
    if proto == 58 and family == 6 and len(packet) >= head + 12:
        kind = REJECT6.get((packet[head], packet[head + 1]))
        return (packet[head + 10] << 8 | packet[head + 11], kind) if kind else None
    return None


def final_of(family, packet):
    """What an accepted packet looked like at the very end."""
    if family == 4:
        head, proto, ttl, tos = (packet[0] & 15) * 4, packet[9], packet[8], packet[1]
        src, dst = socket.inet_ntop(socket.AF_INET, packet[12:16]), socket.inet_ntop(socket.AF_INET, packet[16:20])
        whole = not (packet[6] & 0x1F or packet[7])
    else:
        head, proto, ttl, tos = 40, packet[6], packet[7], (packet[0] & 15) << 4 | packet[1] >> 4
        src, dst = socket.inet_ntop(socket.AF_INET6, packet[8:24]), socket.inet_ntop(socket.AF_INET6, packet[24:40])
        whole = True
    out = {"src": src, "dst": dst, "ttl": ttl, "dscp": tos >> 2, "ecn": tos & 3}
    if proto in HAS_PORTS and whole and len(packet) >= head + 4:
        out["sport"], out["dport"] = struct.unpack_from("!HH", packet, head)
    return out


BUILT_IN = {"raw": "PREROUTING OUTPUT", "mangle": "PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
            "nat": "PREROUTING INPUT OUTPUT POSTROUTING", "filter": "INPUT FORWARD OUTPUT",
            "security": "INPUT FORWARD OUTPUT"}
TABLES = {table: chains.split() for table, chains in BUILT_IN.items()}


class Farm:
    """The namespace of the far ends."""

    def __init__(self):
        self.count = 0
        self.fd = new_namespace()
        for scope in ("all", "default"):
            sysctl("ipv6/conf/%s/disable_ipv6" % scope, "1")


def capabilities():
    """Which tools there are and which back ends the kernel takes."""
    tools = ["ip", "nft", "ipset", "iptables-legacy-restore", "ip6tables-legacy-restore", "iptables-nft-restore",
             "ip6tables-nft-restore"]
    missing = [t for t in tools if shutil.which(t) is None]
    backends = []
    for name in ("legacy", "nft"):
        works = True
        for family in ("iptables", "ip6tables"):
            tool = "%s-%s-restore" % (family, name)
            if tool in missing:
                works = False
                continue
            code, _ = run([tool], "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
            works = works and code == 0
        if works:
            backends.append(name)
    return {"missing": missing, "backends": backends, "kernel": os.uname().release}


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    LIBC.prctl(1, signal.SIGKILL)  # die with the test
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    slot = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    # One processor: what is sent in order is then processed in order.
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[slot % len(allowed)]})
    scratch = tempfile.TemporaryDirectory(prefix="fwgate-judge-")
    os.environ["XTABLES_LOCKFILE"] = os.path.join(scratch.name, "lock")
    answer = sys.stdout
    try:
        probe = new_namespace()
        able = capabilities()
        farm = Farm()
        routers = {}
        answer.write(json.dumps(able) + "\n")
    except (OSError, RuntimeError) as error:
        answer.write(json.dumps({"unable": str(error)}) + "\n")
        return
    answer.flush()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            # A router that has ever tracked connections might still put fragments together, and one with a nat
            # table drops some ICMP packets of connections that it did not see begin.
            nat = any("*nat" in (request.get(k) or "") for k in ("v4", "v6")) or "nat" in (request.get("nft") or "")
            key = (request["hook"], tuple(request.get("addresses") or ()), request.get("conntrack", True), nat)
            if key not in routers:
                routers[key] = Router(key[0], farm, key[1])
            router = routers[key]
            reply = router.told(request) if request.get("tell") else router.judge(request)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            import traceback
            reply = {"error": "%s: %s\n%s" % (type(error).__name__, error, traceback.format_exc())}
            routers.clear()
        answer.write(json.dumps(reply) + "\n")
        answer.flush()
    os.close(probe)


if __name__ == "__main__":
    main()
