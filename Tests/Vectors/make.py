"""Makes the vectors. Keys and nonces are counted up, so that the files are the same each time."""
import json
import struct

import vectors as v


def _bytes(first, count):
    return bytes((first + i) % 256 for i in range(count))


KEY, OTHER_KEY, VAULT = _bytes(1, 32), _bytes(2, 32), _bytes(0xA0, 16)
NONCE, SEED = _bytes(0x40, 24), _bytes(0x60, 32)


def typed(fields):
    return [{"hex": bytes(f).hex()} if isinstance(f, (bytes, bytearray)) else f for f in fields]


def changed(data, index):
    data = bytearray(data)
    data[index] ^= 1
    return bytes(data)


def sealed_records():
    #        vault  tenant app installation kind version generation length fingerprint created_at created_by
    def place(vault=VAULT, tenant=3, app=5, installation=0, kind="signing_secret", version=1, generation=1,
              length=None, created_by="uid:0", plaintext=b""):
        length = len(plaintext) if length is None else length
        return [vault, tenant, app, installation, kind, version, generation, length, _bytes(0x10, 8),
                1795000000000, created_by]

    def vector(name, plaintext, reject=None, key=KEY, sealed=None, opened_at=None):
        own = place(plaintext=plaintext)
        if sealed is None:
            sealed = v.seal(KEY, NONCE, v.canonical("postern/secret/1", *own), plaintext)
        where = opened_at or own
        out = {"name": name, "key": key.hex(), "associated": typed(where),
               "canonical": v.canonical("postern/secret/1", *where).hex(),
               "sealed": sealed.hex(), "plaintext": plaintext.hex()}
        return out | ({"reject": reject} if reject else {})

    text = b"8f742231b10e8888abcd99yyyzzz85a5"
    good = v.seal(KEY, NONCE, v.canonical("postern/secret/1", *place(plaintext=text)), text)
    vectors = [vector("a signing secret", text), vector("an empty value", b""),
               vector("a value of several blocks", _bytes(0x20, 90) * 3)]
    for name, data in [("a changed nonce", changed(good, 0)), ("a changed ciphertext", changed(good, 24)),
                       ("a changed tag", changed(good, -1)), ("a byte cut off", good[:-1])]:
        vectors.append(vector(name, text, "not authentic", sealed=data))
    vectors.append(vector("nothing but a nonce", text, "too short", sealed=good[:24]))
    vectors.append(vector("another key", text, "not authentic", key=OTHER_KEY))
    for name, at in [("another vault", {"vault": _bytes(0xB0, 16)}), ("another tenant", {"tenant": 4}),
                     ("another app", {"app": 6}), ("another installation", {"installation": 1}),
                     ("another kind", {"kind": "client_secret"}), ("another version", {"version": 2}),
                     ("another key generation", {"generation": 2}), ("another length", {"length": 31}),
                     ("another creator", {"created_by": "uid:1"})]:
        vectors.append(vector(f"opened as {name}'s", text, "not authentic",
                              opened_at=place(plaintext=text, **at)))
    return {"kind": "sealed-record", "vectors": vectors}


# The order of the tables is their number in the set digests.
TABLES = ["meta", "keys", "tenants", "apps", "secrets", "heads", "installations", "legs", "services", "grants",
          "roles", "leases", "oauth_states"]


def row_macs():
    def vector(name, table, columns, reject=None, of=None, key=KEY, vault=VAULT, change=None):
        encoded = v.canonical("postern/row/1", vault, table, *columns)
        mac = v.blake2b(v.canonical("postern/row/1", VAULT, *(of or [table, *columns])), KEY)
        mac = change(mac) if change else mac
        number = TABLES.index(table)
        out = {"name": name, "key": key.hex(), "vault_id": vault.hex(), "table": table, "table_number": number,
               "columns": typed(columns), "canonical": encoded.hex(), "mac": mac.hex(),
               "share": v.blake2b(v.canonical("postern/set/1", number, mac), key).hex()}
        return out | ({"reject": reject} if reject else {})

    head = [5, 0, "signing_secret", 2, 1, 1795000600000, None, 2]
    grant = [9, 8, "acme/slack/*", '["secret:read:signing_secret"]', "[]", "[]", 600, 1795000000000, "uid:0", 86400,
             "service"]
    lease = ["ls_000102030405060708090a0b0c0d0e0f", 8, 5, 7, "bot", 9, "tcp", '["chat.postMessage"]', "[]", 1795000000000,
             1795000600000, "a boot", 600000, 0, "live", 11, 1001, "", _bytes(0x20, 32)]
    refused = [
        ("an older version made current", "heads", head[:3] + [1] + head[4:], ["heads", *head], {}),
        ("a grace made longer", "heads", head[:5] + [9795000600000] + head[6:], ["heads", *head], {}),
        ("a grant with another pattern", "grants", grant[:2] + ["*/*/*"] + grant[3:], ["grants", *grant], {}),
        ("a lease without the process it is bound to", "leases", lease[:17] + [""] + lease[18:],
         ["leases", *lease[:17], "a boot 4711:99", *lease[18:]], {}),
        ("a null instead of zero", "heads", head[:6] + [0, 2], ["heads", *head], {}),
        ("a text instead of a number", "heads", ["5"] + head[1:], ["heads", *head], {}),
        ("two columns that share their border", "tenants", [1, "ab", "c", "active", 0],
         ["tenants", 1, "a", "bc", "active", 0], {}),
        ("a row of another table", "roles", [1, "a", "b", None, 0], ["tenants", 1, "a", "b", None, 0], {}),
        ("a row of another vault", "heads", head, None, {"vault": _bytes(0xB0, 16)}),
        ("another key", "heads", head, None, {"key": OTHER_KEY}),
        ("a changed MAC", "heads", head, None, {"change": lambda mac: changed(mac, 31)}),
    ]
    return {"kind": "row-mac", "vectors": [
        vector("a head row", "heads", head), vector("a grant", "grants", grant),
        vector("a lease with a bearer", "leases", lease),
        vector("a row with a blob and a null", "legs",
               [7, "bot", '["chat:write"]', "active", None, _bytes(0x70, 60), _bytes(0x10, 8), 1, None, 1795000000000]),
        vector("an empty text and the smallest number", "tenants", [-(2**63), "", "", "active", 0]),
    ] + [vector(name, table, columns, "not authentic", of, **more) for name, table, columns, of, more in refused]}


class Log:
    """A log as Postern would write it."""

    def __init__(self):
        self.records, self.names, self.head, self.time = [], {}, bytes(32), 1795000000000

    def append(self, *body, kind, seq=None):
        number = len(self.records) + 1
        record = v.canonical("postern/audit/1", kind, seq or number, self.time, *body)
        self.head = v.blake2b(self.head + record)
        self.records.append({"seq": number, "record": record.hex(), "hash": self.head.hex()})
        return number

    def name(self, text):
        if text is None:
            return None
        if text not in self.names:
            self.names[text] = self.append(text, kind=2)
        return self.names[text]

    def event(self, action="secret.read", outcome="allowed", reason=None, seq=None):
        n = self.name
        body = [struct.pack(">QI", 0x0102030405060708, len(self.records)), n("service"), n("bridge"), 1001, 1001, 4711,
                None, n("/usr/bin/node"), n("bridge.service"), n(action), n(outcome), n("acme"), n("slack"),
                "A0123456789", n("signing_secret"), 2, None, _bytes(0x10, 8), n(reason), None]
        return self.append(*body, kind=1, seq=seq)

    def checkpoint(self, seed=SEED, signed=True, upto=None, head=None, change=None):
        public = v.ed25519_public(seed)
        said = [VAULT, len(self.records) if upto is None else upto, head or self.head, 1, bytes(32 * len(TABLES)), public]
        signature = v.ed25519_sign(seed, v.canonical("postern/checkpoint/1", *said)) if signed else b""
        return self.append(*said, change(signature) if change else signature, kind=3)

    def rehash(self, start):
        """Chains anew from the record at `start`, as somebody without the signing key could."""
        head = bytes.fromhex(self.records[start - 1]["hash"]) if start else bytes(32)
        for r in self.records[start:]:
            head = v.blake2b(head + bytes.fromhex(r["record"]))
            r["hash"] = head.hex()
        self.head = head


def chains():
    public = v.ed25519_public(SEED)

    def vector(name, build, reject=None):
        log = Log()
        log.event()
        log.event("secret.rotate")
        log.checkpoint()
        log.time += 1000
        log.event(outcome="denied", reason="no_grant")
        build(log)
        out = {"name": name, "public_key": public.hex(), "records": log.records}
        return out | ({"reject": reject} if reject else {})

    def edit(index, old, new):
        def build(log):
            r = log.records[index]
            data = bytes.fromhex(r["record"])
            assert old in data and len(old) == len(new)
            r["record"] = data.replace(old, new).hex()
        return build

    def back(log):
        log.time -= 2000
        log.event()

    def exchange(log, again=False):
        log.event()
        log.event()
        a, b = log.records[-2], log.records[-1]
        a["record"], b["record"] = b["record"], a["record"]
        if again:
            log.rehash(len(log.records) - 2)

    def rechained(log):
        log.records[1]["record"] = log.records[1]["record"].replace(b"bridge".hex(), b"brodge".hex())
        log.rehash(1)

    # Nine names and the event they are for, a tenth name and its event, the checkpoint, two names and their event.
    return {"kind": "audit-chain", "vectors": [
        vector("names, events and a checkpoint", lambda log: None),
        vector("a second checkpoint over the first", lambda log: log.checkpoint()),
        vector("a checkpoint made while sealed, without a signature", lambda log: log.checkpoint(signed=False)),
        vector("an event changed", edit(9, struct.pack(">q", 1001), struct.pack(">q", 1002)),
               "changed: the hash does not fit"),
        vector("a name changed and the rest chained anew", rechained, "a checkpoint of another log"),
        vector("a record left out", lambda log: log.records.pop(4), "missing"),
        vector("the first record left out", lambda log: log.records.pop(0), "missing"),
        vector("two records exchanged", exchange, "changed: the hash does not fit"),
        vector("two records exchanged and chained anew", lambda log: exchange(log, again=True),
               "moved: it says it is record 18"),
        vector("a record before the first", lambda log: log.records.insert(0, log.records[0] | {"seq": 0}),
               "out of order"),
        vector("a record that says another number", lambda log: log.event(seq=99),
               "moved: it says it is record 99"),
        vector("time going back", back, "its time is before the record before it"),
        vector("a hash that is too short", lambda log: log.records[3].update(hash="00"), "its hash is not a hash"),
        vector("bytes that are no record", lambda log: log.append("x", "y", kind=1), "not a record"),
        vector("a field longer than the record", _torn, "not a record"),
        vector("a name nobody defined", _dangling, "not a record"),
        vector("a record of another type", lambda log: log.append(kind=9), "not a record"),
        vector("a checkpoint over another seq", lambda log: log.checkpoint(upto=3), "a checkpoint of another log"),
        vector("a checkpoint over another head", lambda log: log.checkpoint(head=_bytes(0, 32)),
               "a checkpoint of another log"),
        vector("a checkpoint by another key", lambda log: log.checkpoint(seed=OTHER_KEY), "signed by another key"),
        vector("a checkpoint with a changed signature", lambda log: log.checkpoint(change=lambda s: changed(s, 5)),
               "a checkpoint's signature does not fit"),
    ]}


def _torn(log):
    log.event()
    log.records[-1]["record"] = log.records[-1]["record"][:-2]
    log.rehash(len(log.records) - 1)


def _dangling(log):
    log.names["secret.gone"] = 9999
    log.event("secret.gone")


def write(folder):
    for name, content in [("sealed-record", sealed_records()), ("row-mac", row_macs()), ("audit-chain", chains())]:
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
