import Glibc
import Linux

/// One run of the real program, with what it printed.
struct Run {
    let code: Int32
    let out: String
    let error: String

    /// The directory of the programs: that of the test runner.
    static let programs: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }()

    static var postern: String { programs + "/postern" }

    /// Runs postern against `admin`, without a terminal.
    init(
        _ arguments: [String], at admin: FakeAdmin? = nil, input: String = "", environment: [String: String] = [:],
        descriptors: [Int32: String] = [:]
    ) throws {
        var variables = environment
        if let admin { variables["POSTERN_DATA_DIR"] = variables["POSTERN_DATA_DIR"] ?? admin.directory }
        try self.init(program: Run.postern, arguments, input: input, environment: variables, descriptors: descriptors)
    }

    init(
        program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:],
        descriptors: [Int32: String] = [:]
    ) throws {
        let directory = try temporaryDirectory()
        let paths = ["in", "out", "err"].map { directory + "/" + $0 }
        defer { for path in paths + [directory] { _ = unsafe remove(path) } }
        try write(input, to: paths[0])
        let standardInput = try FileDescriptor.open(paths[0], .read)
        let standardOutput = try FileDescriptor.open(paths[1], .write, creating: 0o600)
        let standardError = try FileDescriptor.open(paths[2], .write, creating: 0o600)
        var map = [Int32(0): standardInput.number, 1: standardOutput.number, 2: standardError.number]
        var opened: [Int32] = []
        defer { for number in opened { _ = close(number) } }
        for (number, path) in descriptors {
            let descriptor = try FileDescriptor.open(path, .read).release()
            opened.append(descriptor)
            map[number] = descriptor
        }
        // A session of its own, so that there is no controlling terminal to ask at.
        let child = try ChildProcess.start(
            "/usr/bin/setsid", ["--wait", program] + arguments,
            environment: (["HOME": directory, "PATH": "/usr/bin:/bin"].merging(environment) { $1 }).map {
                "\($0)=\($1)"
            },
            descriptors: map)
        switch try child.wait() {
        case .exited(let code): self.code = code
        case .signalled(let number): code = 128 + number
        }
        out = try contents(of: paths[1])
        error = try contents(of: paths[2])
    }
}

func write(_ text: String, to path: String, mode: UInt32 = 0o600) throws {
    let file = try FileDescriptor.open(path, .write, creating: mode)
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file.number, $0.baseAddress, $0.count) }
        guard count > 0 else { throw SystemFailure(number: errno) }
        bytes = bytes.dropFirst(count)
    }
}

func contents(of path: String) throws -> String {
    let file = try FileDescriptor.open(path, .read)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(file.number, &chunk, chunk.count)
        guard count >= 0 else { throw SystemFailure(number: errno) }
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}
