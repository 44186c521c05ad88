import Glibc
import Testing

@Suite struct `A secret` {
    static let path = "apps/slack/A1/secrets/signing_secret"
    static let answers = [
        "PUT \(path)": (
            200, #"{"kind":"signing_secret","version":3,"state":"current","length":8,"fingerprint":"5b0c"}"#
        ),
        "PUT apps/slack/A1/secrets/webhook_secret": (200, #"{"version":1,"length":43,"fingerprint":"aa"}"#),
        "POST \(path)/reveal": (
            200, #"{"kind":"signing_secret","version":3,"state":"current","value":"pl\u00e4nted \"x\""}"#
        ),
    ]
    static let set = ["secret", "set", "slack/A1", "signing_secret"]

    @Test(arguments: [
        ("s3cr3t", #"{"value":"s3cr3t"}"#, ""), ("s3cr3t\n", #"{"value":"s3cr3t"}"#, "one line end"),
        ("s3cr3t\r\n", #"{"value":"s3cr3t"}"#, "one line end"),
        ("s3cr3t\n\n", #"{"value":"s3cr3t\n"}"#, "control character"),
        (" s3cr3t", #"{"value":" s3cr3t"}"#, "white space"), ("a\"\\é\u{7f}", #"{"value":"a\"\\é\u007f"}"#, ""),
    ])
    func `from standard input is sent as it is, but for one line end`(_ input: String, _ body: String, _ note: String)
        throws
    {
        let admin = try FakeAdmin(Self.answers)
        let run = try Run(Self.set + ["-"], at: admin, input: input)
        #expect(run.code == 0, "\(run.error)")
        #expect(admin.changes.map(\.body) == [body])
        #expect(run.out == "signing_secret of slack/A1 stored: version 3, 8 bytes, fingerprint 5b0c\n")
        #expect(note.isEmpty ? run.error.isEmpty : run.error.contains(note), "\(run.error)")
        #expect(!(run.out + run.error).contains("s3cr3t"))
    }

    @Test func `comes from a file or a descriptor, too`() throws {
        let admin = try FakeAdmin(Self.answers)
        let file = admin.directory + "/value"
        defer { _ = unsafe unlink(file) }
        try write("from file\n", to: file)
        #expect(
            try Run(Self.set + ["--from-file", file], at: admin).error == "one line end at the end was taken off\n")
        #expect(try Run(Self.set + ["--from-fd", "7"], at: admin, descriptors: [7: file]).code == 0)
        #expect(admin.changes.map(\.body) == [#"{"value":"from file"}"#, #"{"value":"from file"}"#])
        _ = unsafe chmod(file, 0o644)
        #expect(try Run(Self.set + ["--from-file", file], at: admin).error.contains("can be read by other users"))
    }

    @Test(
        arguments: [
            ([], "", "nobody can be asked"), (["-"], "", "is empty"), (["-"], "\n", "is empty"), (["-"], "a\0b", "NUL"),
            (["-"], String(repeating: "x", count: 65_537), "longer than 64 KiB"),
            (["--generate"], "", "made by the platform"),
            (["-", "--generate"], "", "one place only"),
            (["--from-file", "/none"], "", "cannot be read: No such file"),
            (["--from-fd", "4000"], "", "cannot be read: Bad file"), (["--from-fd", "x"], "", "whole number"),
        ] as [([String], String, String)])
    func `that cannot be stored is refused before anything is sent`(
        _ source: [String], _ input: String, _ why: String
    ) throws {
        let admin = try FakeAdmin(Self.answers)
        let run = try Run(Self.set + source, at: admin, input: input)
        #expect(run.code == 1 || run.code == 2)
        #expect(run.error.contains(why), "\(run.error)")
        #expect(admin.changes.isEmpty)
    }

    @Test func `as long as may be is taken`() throws {
        let admin = try FakeAdmin(Self.answers)
        #expect(try Run(Self.set + ["-"], at: admin, input: String(repeating: "x", count: 65_536) + "\n").code == 0)
        #expect(admin.changes.first?.body.utf8.count == 65_536 + 12)
    }

    @Test func `of a kind we choose is made by chance`() throws {
        let admin = try FakeAdmin(Self.answers)
        for _ in 0..<2 {
            #expect(try Run(["secret", "set", "slack/A1", "webhook_secret", "--generate"], at: admin).code == 0)
        }
        let bodies = admin.changes.map(\.body)
        #expect(Set(bodies).count == 2)
        #expect(bodies.allSatisfy { $0.utf8.count == 43 + 12 })
    }

    @Test func `is revealed alone on standard output, with a reason`() throws {
        let admin = try FakeAdmin(Self.answers)
        let words = ["secret", "reveal", "slack/A1", "signing_secret"]
        #expect(try Run(words, at: admin).code == 2)
        #expect(try Run(words + ["--reason", " "], at: admin).code == 2)
        #expect(admin.calls.isEmpty)
        let run = try Run(words + ["--reason", "ticket 1", "--version", "2"], at: admin)
        #expect(run.out == "pl\u{e4}nted \"x\"")
        #expect(admin.changes.map(\.body) == [#"{"reason":"ticket 1","version":2}"#])
        #expect(
            try Run(words + ["--reason", "t", "-o", "json"], at: admin).out.contains(#""value": "pl\#u{e4}nted \"x\"""#)
        )
    }
}
