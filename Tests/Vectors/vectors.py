#!/usr/bin/env python3
"""Makes and checks the vectors of this folder with nothing but Python's standard library.

    python3 Tests/Vectors/vectors.py          checks every file
    python3 Tests/Vectors/vectors.py --write  makes them anew

It shares no code with Postern: that two programs agree is what the vectors are worth.
"""
import hashlib
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).parent


# --- The canonical encoding (README.md) -------------------------------------------------------------------------------


def canonical(*fields):
    out = b""
    for field in fields:
        if field is None:
            kind, value = 0, b""
        elif isinstance(field, int):
            kind, value = 1, struct.pack(">q", field)
        elif isinstance(field, str):
            kind, value = 2, field.encode()
        else:
            kind, value = 3, bytes(field)
        out += struct.pack(">BI", kind, len(value)) + value
    return out


def fields_of(typed):
    """A JSON field is null, a number, a text, or {"hex": "…"} for a blob."""
    return [bytes.fromhex(f["hex"]) if isinstance(f, dict) else f for f in typed]


def blake2b(data, key=b""):
    return hashlib.blake2b(data, digest_size=32, key=key).digest()


# --- XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, RFC 8439) --------------------------------------------------------


def _rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        for p, q, r, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xFFFFFFFF
            x[r] ^= x[p]
            x[r] = (x[r] << turn | x[r] >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return x


CONSTANT = struct.unpack("<4I", b"expand 32-byte k")


def chacha_block(key, counter, nonce):
    state = CONSTANT + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(_rounds(state), state)))


def hchacha(key, nonce):
    x = _rounds(CONSTANT + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    return struct.pack("<8I", *(x[:4] + x[12:]))


def chacha(key, nonce, data):
    out = b""
    for index in range(0, len(data), 64):
        block = chacha_block(key, 1 + index // 64, nonce)
        out += bytes(a ^ b for a, b in zip(data[index : index + 64], block))
    return out


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for index in range(0, len(data), 16):
        total = (total + int.from_bytes(data[index : index + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def _tag(key, nonce, associated, ciphertext):
    pad = lambda data: data + bytes(-len(data) % 16)
    lengths = struct.pack("<QQ", len(associated), len(ciphertext))
    return poly1305(chacha_block(key, 0, nonce)[:32], pad(associated) + pad(ciphertext) + lengths)


def seal(key, nonce, associated, plaintext):
    inner, short = hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    ciphertext = chacha(inner, short, plaintext)
    return nonce + ciphertext + _tag(inner, short, associated, ciphertext)


def open_sealed(key, associated, sealed):
    """The plaintext, or None where the tag does not fit."""
    if len(sealed) < 40:
        return None
    nonce, ciphertext, tag = sealed[:24], sealed[24:-16], sealed[-16:]
    inner, short = hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    return chacha(inner, short, ciphertext) if _tag(inner, short, associated, ciphertext) == tag else None


# --- Ed25519 (RFC 8032, section 6) ------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = _x(_BASE_Y, 0)
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def _compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = _x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _secret(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:]


def ed25519_public(seed):
    return _compress(_times(_secret(seed)[0], BASE))


def ed25519_sign(seed, message):
    scalar, prefix = _secret(seed)
    public = ed25519_public(seed)
    r = _number(prefix, message) % L
    point = _compress(_times(r, BASE))
    s = (r + _number(point, public, message) % L * scalar) % L
    return point + s.to_bytes(32, "little")


def ed25519_verify(public, message, signature):
    a, r = _decompress(public), _decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    h = _number(signature[:32], public, message) % L
    return _compress(_times(s, BASE)) == _compress(_add(r, _times(h, a)))


# --- What each file says ----------------------------------------------------------------------------------------------


def judge(kind, v):
    """"accept", or why the vector must be rejected."""
    data = {name: bytes.fromhex(v[name]) for name in v if isinstance(v[name], str) and name not in NOT_HEX}
    if kind == "sealed-record":
        associated = canonical("postern/secret/1", *fields_of(v["associated"]))
        if len(data["sealed"]) < 40:
            return "too short"
        plaintext = open_sealed(data["key"], associated, data["sealed"])
        if plaintext is None:
            return "not authentic"
        assert plaintext == data["plaintext"] and associated == data["canonical"]
        return "accept"
    if kind == "row-mac":
        encoded = canonical("postern/row/1", data["vault_id"], v["table"], *fields_of(v["columns"]))
        if blake2b(encoded, data["key"]) != data["mac"]:
            return "not authentic"
        place = canonical("postern/set/1", v["table_number"], data["mac"])
        assert encoded == data["canonical"] and blake2b(place, data["key"]) == data["share"]
        return "accept"
    if kind == "audit-chain":
        return judge_chain(data["public_key"], v["records"])
    raise SystemExit(f"unknown kind {kind}")


NOT_HEX = {"name", "table", "reject"}


def read_canonical(data):
    fields, offset = [], 0
    while offset < len(data):
        if len(data) - offset < 5:
            return None
        kind, length = struct.unpack_from(">BI", data, offset)
        value = data[offset + 5 : offset + 5 + length]
        offset += 5 + length
        if len(value) != length or kind > 3 or (kind == 0 and length) or (kind == 1 and length != 8):
            return None
        try:
            as_value = {0: lambda: None, 1: lambda: struct.unpack(">q", value)[0], 2: value.decode, 3: lambda: value}
            fields.append(as_value[kind]())
        except UnicodeDecodeError:
            return None
    return fields


EVENT_FIELDS = 20
TEXT_OR_NAME = {1, 2, 7, 8, 9, 10, 11, 12, 14, 18}


def judge_chain(public, records):
    previous, seq, time, names = bytes(32), 0, 0, set()
    for r in records:
        record, stored = bytes.fromhex(r["record"]), bytes.fromhex(r["hash"])
        if r["seq"] != seq + 1:
            return "missing" if r["seq"] > seq else "out of order"
        if len(stored) != 32:
            return "its hash is not a hash"
        if blake2b(previous + record) != stored:
            return "changed: the hash does not fit"
        f = read_canonical(record)
        if not f or len(f) < 5 or f[0] != "postern/audit/1" or f[1] not in (1, 2, 3):
            return "not a record"
        kind, number, moment, body = f[1], f[2], f[3], f[4:]
        if kind == 1:
            named = [body[i] for i in TEXT_OR_NAME if i < len(body) and isinstance(body[i], int)]
            if len(body) != EVENT_FIELDS or any(n not in names for n in named):
                return "not a record"
        if number != r["seq"]:
            return "moved: it says it is record %d" % number
        if moment < time:
            return "its time is before the record before it"
        if kind == 2:
            names.add(number)
        if kind == 3:
            vault, upto, head, epoch, digests, key, signature = body
            if upto != seq or head != previous:
                return "a checkpoint of another log"
            if signature:
                if key != public:
                    return "signed by another key"
                message = canonical("postern/checkpoint/1", vault, upto, head, epoch, digests, key)
                if not ed25519_verify(public, message, signature):
                    return "a checkpoint's signature does not fit"
        previous, seq, time = stored, r["seq"], moment
    return "accept"


def check():
    count = 0
    for path in sorted(HERE.glob("*.json")):
        file = json.loads(path.read_text())
        for v in file["vectors"]:
            want = v.get("reject", "accept")
            got = judge(file["kind"], v)
            if got != want:
                raise SystemExit(f"{path.name}: {v['name']}: {got}, expected {want}")
            count += 1
    print(f"{count} vectors hold")


if __name__ == "__main__":
    if "--write" in sys.argv:
        import make

        make.write(HERE)
    check()
