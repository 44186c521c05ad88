import FoundationEssentials
import Linux
import Rules

/// The vendors' own SDKs for Python, installed on demand beside the program, pinned by hash.
enum SDK {
    /// What `storm.py` says.
    struct Outcome: Decodable {
        let callers: Int
        let upstream: Int
        let good: Int
        /// Tokens handed out that the platform no longer takes.
        let dead: Int
        /// Callers without any token.
        let none: Int
        let distinct: Int
        let seconds: Double
        let storedRefreshTokenLives: Bool?
    }

    private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        ((try? FileStatus.of($0)) ?? nil) != nil
    }

    /// Makes a directory with the SDKs in it, once; nil, with a word why, where that cannot be.
    static func packages(in directory: String) -> (path: String?, why: String) {
        guard let python else { return (nil, "there is no python3") }
        let path = Program.sibling("vendor-sdks-1")
        if ((try? FileStatus.of("\(path)/complete")) ?? nil) != nil { return (path, "") }
        do {
            try write(PackageResources.requirements_txt, to: "\(directory)/requirements.txt")
            let (ending, said) = try capture(
                python,
                [
                    "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                    "--root-user-action=ignore", "--upgrade", "--target", path, "--requirement",
                    "\(directory)/requirements.txt",
                ], environment: nil)
            guard ending == .exited(0) else {
                return (nil, "pip could not install them: \(said.split(separator: "\n").last ?? "")")
            }
            try write([], to: "\(path)/complete")
            return (path, "")
        } catch { return (nil, "pip could not be run") }
    }

    /// The storm by an SDK (`slack` or `lark`) against the simulation, with the app as the simulation described it.
    static func storm(
        _ sdk: String, callers: Int, inProcesses: Bool, packages: String, base: String, app: String, directory: String
    ) throws -> Outcome {
        guard let python else { throw Problem(.notFound, "there is no python3") }
        let script = "\(directory)/storm.py"
        try write(PackageResources.storm_py, to: script)
        let work = "\(directory)/\(sdk)-\(inProcesses)"
        try Directory.make(work, mode: 0o700)
        let (ending, said) = try capture(
            python,
            ["-I", script, packages, base, sdk, String(callers), inProcesses ? "processes" : "threads", work],
            // Without proxies of the environment: the SDKs would take them even for loopback.
            environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"], input: app)
        guard ending == .exited(0) else {
            throw Problem(.internal, "the SDK's storm failed: \(said.split(separator: "\n").last ?? "")")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Outcome.self, from: Data(said.utf8))
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        try FileDescriptor.open(path, .write, creating: 0o600).write(bytes)
    }

    private static func capture(
        _ program: String, _ arguments: [String], environment: [String]?, input: String = ""
    ) throws -> (ending: ChildProcess.Ending, said: String) {
        let stdin = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            program, arguments, environment: environment,
            descriptors: [0: stdin.far.number, 1: output.far.number, 2: output.far.number])
        try stdin.split { near, far in
            _ = consume far
            try near.send(Array(input.utf8), until: .after(seconds: 10))
        }
        let said = try output.split { near, far in
            _ = consume far
            return try near.readToEnd(atMost: 1 << 20)
        }
        return (try child.wait(), String(decoding: said, as: UTF8.self))
    }
}
