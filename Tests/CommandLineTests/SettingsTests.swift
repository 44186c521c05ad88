import Glibc
import Testing

@Suite struct `A setting` {
    static let answers = ["GET tenants": (200, #"{"tenants":[]}"#)]

    @Test func `of a flag beats the environment, which beats the file`() throws {
        let admins = try (0..<3).map { _ in try FakeAdmin(Self.answers) }
        let config = admins[0].directory + "/config"
        defer { _ = unsafe unlink(config) }
        try write("# a comment\n\n socket = \(admins[0].socket) \noutput=json\n", to: config)
        let file = ["POSTERN_CONFIG": config]
        let both = file.merging(["POSTERN_ADMIN_SOCKET": admins[1].socket, "POSTERN_OUTPUT": "table"]) { $1 }
        #expect(try Run(["tenant", "list"], environment: file).out == "{\n  \"tenants\": []\n}\n")
        #expect(try Run(["tenant", "list"], environment: both).out == "")
        #expect(try Run(["tenant", "list", "--socket", admins[2].socket], environment: both).code == 0)
        #expect(try Run(["tenant", "list", "--data-dir", admins[2].directory, "--config", config]).code == 0)
        #expect(admins.map(\.calls.count) == [2, 1, 1])
    }

    @Test func `finds the sockets by the run directory`() throws {
        let admin = try FakeAdmin(Self.answers)
        #expect(try Run(["tenant", "list"], environment: ["POSTERN_RUN_DIR": admin.directory + "/run"]).code == 0)
    }

    @Test(arguments: [
        ("scoket = x", "did you mean socket?"), ("yes = on", "there is no setting \"yes\""), ("socket", "name = value"),
        ("quiet = maybe", "on or off"), ("output = xml", "table or json"),
    ])
    func `that the file gets wrong is named with its line`(_ text: String, _ why: String) throws {
        let directory = try temporaryDirectory()
        try write(text + "\n", to: directory + "/config")
        let run = try Run(["tenant", "list", "--config", directory + "/config"])
        #expect(run.code == 2)
        #expect(run.error.contains(why), "\(run.error)")
        for name in ["/config", ""] { _ = unsafe remove(directory + name) }
    }

    @Test func `file that was named must be there`() throws {
        #expect(try Run(["tenant", "list", "--config", "/none"]).error.contains("cannot be read: No such file"))
    }
}
