let verifyAuditCommand = Command(
    name: "verify", summary: "checks that the log is complete and untouched",
    details: [
        "Without options the daemon checks its own log. With --vault the file is checked here, without a daemon and "
            + "without any key but the public one: that is what an auditor does with a copy."
    ],
    options: [
        Option(
            name: "vault", value: "PATH", help: "a vault.db or the directory it is in, to check offline", values: .file),
        Option(
            name: "public-key", value: "FILE", help: "the log's public key (audit.pub), needed with --vault",
            values: .file),
    ],
    examples: [
        Example("The daemon's log", "postern audit verify"),
        Example("A copy, offline", "postern audit verify --vault ./copy --public-key audit.pub"),
    ],
    exits: [(0, "complete and untouched"), (11, "damaged; the first bad record is named")], run: verifyAudit)

private let verifyAudit: Command.Run = { session, invocation throws(Failure) in
    let answer: JSON
    if let vault = invocation.text("vault") {
        guard let key = invocation.text("public-key") else {
            throw Failure.usage(
                "--public-key is needed with --vault: the file audit.pub of the daemon's state directory")
        }
        answer = try OfflineAudit.verify(vault: vault, publicKey: key)
    } else {
        guard !invocation.has("public-key") else {
            throw Failure.usage("--public-key is for --vault; the daemon knows its own key")
        }
        answer = try session.patientAdmin.get("audit/verify")
    }
    let sound = answer["ok"]?.bool ?? false
    session.print(answer) { console in
        if sound {
            console.out(
                "\(console.mark("ok")): \(Show.count(Int(answer["records"]?.int ?? 0), "record")), "
                    + "\(Show.count(Int(answer["checkpoints"]?.int ?? 0), "signed checkpoint")), complete and untouched"
            )
        } else {
            let bad = answer["first_bad"] ?? [:]
            console.out(
                "\(console.mark("failed")): record \(Show.cell(bad["seq"])): "
                    + Columns.printable(Show.cell(bad["damage"])))
        }
        console.out(pairs: [("head", Show.cell(answer["head"])), ("public key", Show.cell(answer["public_key"]))])
    }
    return sound ? .ok : .integrity
}
