import Testing

@Suite struct `Completion` {
    static let answers = [
        "GET apps": (
            200,
            #"{"apps":[{"platform":"slack","app_id":"A1","tenant":"acme"},{"platform":"lark","app_id":"cli_1","tenant":"b"}]}"#
        ),
        "GET services": (200, #"{"services":[{"name":"bridge","selectors":["uid:1"]}]}"#),
        "GET tenants": (200, #"{"tenants":[{"slug":"acme","name":"Acme\tCorp"}]}"#),
    ]

    static let cases: [(String, [String])] = [
        ("te", ["tenant"]), ("tenant ", ["add", "list", "show", "suspend", "resume"]),
        ("secret r", ["rotate", "reveal"]),
        ("app show ", ["slack/A1", "lark/cli_1"]), ("app show s", ["slack/A1"]), ("app list --tenant ", ["acme"]),
        ("app list --tenant=a", ["--tenant=acme"]), ("grant add br", ["bridge"]),
        ("grant add bridge a", ["acme/slack/A1"]),
        ("grant add bridge acme/slack/A1 --action secret:read:s", ["secret:read:signing_secret"]),
        ("secret history slack/A1 sig", ["signing_secret"]), ("-o ", ["table", "json"]), ("-o json te", ["tenant"]),
        ("tenant add --na", ["--name"]), ("completion ", ["bash", "zsh", "fish"]), ("version ", []),
        ("nonsense x ", []),
    ]

    @Test(arguments: cases)
    func `offers what can stand there`(_ line: String, _ want: [String]) throws {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let run = try Run(["__complete", "--"] + words, at: FakeAdmin(Self.answers))
        #expect(run.out.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) } == want)
        #expect(run.error.isEmpty)
    }

    @Test func `is silent when no daemon answers`() throws {
        let run = try Run(["__complete", "--", "app", "show", ""], environment: ["POSTERN_DATA_DIR": "/none"])
        #expect(run.code == 0)
        #expect((run.out + run.error).isEmpty)
    }

    @Test(arguments: cases)
    func `works in bash, where words end at colons`(_ line: String, _ want: [String]) throws {
        let admin = try FakeAdmin(Self.answers)
        let script = """
            source <(postern completion bash); COMP_LINE="postern $1"; COMP_POINT=${#COMP_LINE}
            _postern; printf '%s\\n' "${COMPREPLY[@]}"
            """
        let run = try Run(
            program: "/bin/bash", ["-c", script, "bash", line],
            environment: ["PATH": "\(Run.programs):/usr/bin:/bin", "POSTERN_DATA_DIR": admin.directory])
        let cut = line.split(separator: " ", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let head = cut.lastIndex { $0 == ":" || $0 == "=" }.map { String(cut[...$0]) } ?? ""
        #expect(run.out.split(separator: "\n").map { head + $0 } == want, "\(run.error)")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `has a script for each shell that calls back`(_ shell: String) throws {
        #expect(try Run(["completion", shell]).out.contains("__complete -- "))
        #expect(try Run(["completion", "tcsh"]).code == 2)
    }
}
