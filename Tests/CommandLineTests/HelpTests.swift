import Testing

@Suite struct `Help` {
    /// Every command of the tree, found by reading help as a person would.
    static let commands: [[String]] = {
        var found: [[String]] = []
        var open: [[String]] = [[]]
        while let path = open.popLast() {
            found.append(path)
            guard let run = try? Run(path + ["--help"]) else { continue }
            open += section("COMMANDS", of: run.out).compactMap { line in
                guard line.hasPrefix("  "), !line.hasPrefix("   "), let name = line.split(separator: " ").first else {
                    return nil
                }
                return path + [String(name)]
            }
        }
        return found
    }()

    static func section(_ name: String, of help: String) -> [String] {
        let lines = help.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let start = lines.firstIndex(of: name) else { return [] }
        return Array(lines[(start + 1)...].prefix { !$0.isEmpty })
    }

    @Test func `covers every noun and verb`() {
        let lines = Self.commands.map { $0.joined(separator: " ") }
        for command in [
            "status", "doctor", "tenant add", "tenant suspend", "app add", "app verify", "secret set", "secret rotate",
            "secret history", "secret reveal", "service add", "service remove", "grant add", "grant remove", "role add",
            "can", "why", "audit list", "audit tail", "audit verify", "oauth url", "installation list", "lease list",
            "lease revoke", "get", "run", "completion", "version",
        ] {
            #expect(lines.contains(command))
        }
    }

    @Test(arguments: commands)
    func `has an example, its usage and the exit codes, in 100 columns`(_ path: [String]) throws {
        for words in [path + ["--help"], path + ["-h"], ["help"] + path] {
            let run = try Run(words)
            #expect(run.code == 0)
            #expect(run.error.isEmpty)
            #expect(!Self.section("EXAMPLES", of: run.out).isEmpty)
            #expect(run.out.contains("USAGE"))
            #expect(run.out.contains("exit codes") || run.out.contains("EXIT CODES"))
            #expect(run.out.contains("\u{1B}") == false)
            for line in run.out.split(separator: "\n") where !line.hasPrefix("  postern") { #expect(line.count <= 110) }
        }
    }

    @Test(arguments: commands.filter { !$0.isEmpty })
    func `gives examples that are understood`(_ path: [String]) throws {
        let admin = try FakeAdmin()
        for line in Self.section("EXAMPLES", of: try Run(path + ["--help"]).out) where line.hasPrefix("  postern ") {
            if ["init", "demo", "tail"].contains(where: line.contains) { continue }
            let run = try Run(
                program: "/bin/sh",
                ["-c", "cd \(admin.directory) && echo 'v' > token.txt && echo v > new.txt && \(line)"],
                environment: [
                    "PATH": "\(Run.programs):/usr/bin:/bin", "POSTERN_DATA_DIR": admin.directory,
                    "POSTERN_NO_INPUT": "1",
                ])
            for name in ["token.txt", "new.txt"] {
                _ = try? Run(program: "/bin/rm", ["-f", admin.directory + "/" + name])
            }
            let refused = [
                "no option", "no command", "too many", "is missing", "not an option", "cannot be \"", "needs a",
            ]
            #expect(!refused.contains(where: run.error.contains), "\(line): \(run.error)")
        }
    }
}
