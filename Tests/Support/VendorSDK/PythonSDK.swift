package import Linux
import Synchronization

/// A vendor's own SDK for Python, installed next to the tests on demand, pinned by hash.
package struct PythonSDK {
    /// Slack's.
    package static let slack = PythonSDK("slack_sdk-3.47.0", "requirements.txt", "slack_sdk/version.py")
    /// Slack's framework, which stands on the SDK.
    package static let bolt = PythonSDK("slack_bolt-1.30.0", "bolt_requirements.txt", "slack_bolt/version.py")
    /// Lark's and Feishu's.
    package static let lark = PythonSDK("lark_oapi-1.7.5", "lark_requirements.txt", "lark_oapi/client.py")
    /// Genesys Cloud's.
    package static let genesys = PythonSDK(
        "PureCloudPlatformClientV2-269.0.0", "genesys_requirements.txt", "PureCloudPlatformClientV2/api_client.py")

    /// The directory, beside the tests.
    private let name: String
    private let requirements: String
    /// A file that is there when the SDK is.
    private let proof: String

    private init(_ name: String, _ requirements: String, _ proof: String) {
        self.name = name
        self.requirements = requirements
        self.proof = proof
    }

    /// What a test cannot go on without.
    package struct Missing: Error {
        let what: String
    }

    /// Set where there is no network: the test then says that it was skipped.
    package static var isOffline: Bool { Environment.value(of: "POSTERN_TEST_OFFLINE") != nil }

    /// The interpreter; nil where there is none.
    package static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        ((try? FileStatus.of($0)) ?? nil) != nil
    }

    /// A file of this repository.
    package static func file(_ path: String, from here: String = #filePath) -> String {
        "\(here.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" })/\(path)"
    }

    /// One installation at a time: suites that run side by side ask for the same SDK.
    private static let turn = Mutex(())

    /// The directory the SDK is in; installs it first where it is not. It is there whole or not at all.
    package func packages() throws -> String {
        try Self.turn.withLock { _ in
            let directory = Program.sibling(name)
            if try FileStatus.of("\(directory)/\(proof)") != nil { return directory }
            let begun = "\(directory).\(ForkedChild.ownPID)"
            let install = try Self.run(
                [
                    "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                    "--no-compile", "--root-user-action=ignore", "--target", begun, "--requirement",
                    Self.file("../Python/\(requirements)", from: #filePath),
                ], environment: nil)
            guard install.ending == .exited(0) else {
                throw Missing(
                    what:
                        "pip could not install \(name) (packages python3 and python3-pip; POSTERN_TEST_OFFLINE=1 skips): "
                        + install.said)
            }
            do { try Directory.rename(begun, to: directory) } catch {
                // Another test run has put one there meanwhile, or there is something else.
                guard try FileStatus.of("\(directory)/\(proof)") != nil else { throw error }
            }
            return directory
        }
    }

    /// Runs Python to its end, at most two minutes; what it said on both outputs.
    package static func run(
        _ arguments: [String], environment: [String]?
    ) throws -> (ending: ChildProcess.Ending, said: String) {
        guard let python else { throw Missing(what: "there is no python3: install the package python3") }
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
