import Linux
import Testing

@testable import postern_sim

/// Slack's own SDK for Python, installed next to the tests on demand, pinned by hash.
enum SlackSDK {
    /// Set where there is no network: the test then says that it was skipped.
    static var isOffline: Bool { Environment.value(of: "POSTERN_TEST_OFFLINE") != nil }

    static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        ((try? FileStatus.of($0)) ?? nil) != nil
    }

    /// A file of this repository.
    static func file(_ path: String, from here: String = #filePath) -> String {
        "\(here.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" })/\(path)"
    }

    /// The directory the SDK is in; installs it first where it is not.
    static func packages() throws -> String {
        let directory = Program.sibling("slack_sdk-3.47.0")
        if try FileStatus.of("\(directory)/slack_sdk/version.py") != nil { return directory }
        let install = try run(
            [
                "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                "--root-user-action=ignore", "--target", directory, "--requirement", file("Python/requirements.txt"),
            ], environment: nil)
        try #require(
            install.ending == .exited(0),
            "pip could not install slack_sdk (packages python3 and python3-pip; POSTERN_TEST_OFFLINE=1 skips): \(install.said)"
        )
        return directory
    }

    /// Runs Python to its end, at most two minutes; what it said on both outputs.
    static func run(
        _ arguments: [String], environment: [String]?
    ) throws -> (ending: ChildProcess.Ending, said: String) {
        let python = try #require(python, "there is no python3: install the package python3")
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            python, arguments, environment: environment, descriptors: [1: output.far.number, 2: output.far.number])
        let near = output.split { near, far in near }
        var said: [UInt8] = []
        let deadline = Deadline.after(seconds: 120)
        while let byte = try? near.receive(exactly: 1, until: deadline) { said += byte }
        if deadline.hasPassed { child.send(signal: 9) }
        return (try child.wait(), String(decoding: said, as: UTF8.self))
    }
}

@Suite struct `Slack's own SDK` {
    @Test(.disabled(if: SlackSDK.isOffline, "POSTERN_TEST_OFFLINE is set: pip cannot fetch slack_sdk"))
    func `finds the simulated Slack to be Slack`() throws {
        let packages = try SlackSDK.packages()
        let sim = try Simulated()
        // Without proxies of the environment: the SDK would take them even for loopback.
        let told = try SlackSDK.run(
            ["-I", SlackSDK.file("Python/slack_sdk_story.py"), packages, sim.base],
            environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"])
        #expect(told.ending == .exited(0), "\(told.said)")
        #expect(told.said == "installed\nlogged in\nused\ntrouble survived\nrevoked\n")
    }
}
