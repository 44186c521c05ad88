import Glibc
import Linux

extension Stand {
    /// One run of the real command line against this stand's daemon.
    struct Printed {
        let code: Int32
        let out: String
        let error: String

        var all: String { "exit \(code)\n\(out)\n\(error)" }
    }

    /// Runs `postern` as an administrator of this stand.
    @discardableResult
    func postern(_ words: [String], input: String = "", environment: [String] = []) throws -> Printed {
        let base = "\(path)/cli-\(UInt64.random(in: 0 ..< .max))"
        let paths = ["in", "out", "err"].map { "\(base).\($0)" }
        defer { for path in paths { _ = unsafe unlink(path) } }
        let given = try FileDescriptor.open(paths[0], .write, creating: 0o600)
        try given.write(Array(input.utf8).span)
        let standardInput = try FileDescriptor.open(paths[0], .read)
        let out = try FileDescriptor.open(paths[1], .write, creating: 0o600)
        let error = try FileDescriptor.open(paths[2], .write, creating: 0o600)
        let child = try ChildProcess.start(
            "/usr/bin/setsid", ["--wait", Program.sibling("postern")] + words,
            environment: ["PATH=/usr/bin:/bin", "HOME=/none", "POSTERN_DATA_DIR=\(path)"] + environment,
            descriptors: [0: standardInput.number, 1: out.number, 2: error.number])
        let code: Int32 =
            switch try child.wait() {
            case .exited(let code): code
            case .signalled(let number): 128 + number
            }
        return Printed(code: code, out: Shell.text(of: paths[1]), error: Shell.text(of: paths[2]))
    }
}
