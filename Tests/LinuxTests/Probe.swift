import Glibc
import Testing

@testable import Linux

/// The helper program, doing one thing in a process of its own.
final class Probe {
    let child: ChildProcess
    private var input: FileDescriptor?
    private let output: FileDescriptor
    private var pending: [UInt8] = []

    /// Its line of output must come within this time, or the test fails.
    static let patience: Int64 = 60

    /// `through` is a program, with its arguments, that becomes the helper; `program` is a copy of it.
    init(
        _ arguments: [String], through wrapper: [String] = [], program: String = Program.sibling("linux-probe"),
        environment: [String]? = nil
    ) throws {
        let command = wrapper + [program] + arguments
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        child = try ChildProcess.start(
            command[0], Array(command.dropFirst()), environment: environment,
            descriptors: [0: input.far.number, 1: output.far.number])
        self.input = input.split { near, _ in near }
        self.output = output.split { near, _ in near }
    }

    deinit {
        child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    /// The next line; nil at the end.
    func line() throws -> String? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end + 1)
                return line
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            var span = chunk.mutableSpan
            let got = try output.receive(into: &span, until: .after(seconds: Self.patience))
            if got == 0 { return nil }
            pending += chunk[..<got]
        }
    }

    func lines() throws -> [String] {
        var lines: [String] = []
        while let line = try line() { lines.append(line) }
        return lines
    }

    /// Tells it something.
    func say(_ line: String) throws {
        try input?.write(Array((line + "\n").utf8))
    }

    /// Lets it go on from `waitForEnd` and waits until it is gone.
    @discardableResult
    func end() throws -> ChildProcess.Ending {
        input = nil
        return try child.wait()
    }
}

/// A directory that others may enter, gone at the end.
final class Place {
    let path: String

    init() throws {
        var template = Array("/tmp/linux-tests-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        path = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
        unsafe chmod(path, 0o755)
    }

    deinit {
        _ = try? ChildProcess.start("/bin/rm", ["-rf", path]).wait()
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try FileDescriptor.open(self(name), .write, creating: mode).write(Array(text.utf8))
    }
}

/// True as soon as `condition` is; false when it never came.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline.after(seconds: Probe.patience)
    while !deadline.hasPassed {
        if try condition() { return true }
        usleep(2_000)
    }
    return false
}

/// Why a test that needs a second user is skipped.
let needsRoot: Comment = "needs a second uid: run the tests as root"
let isRoot = Privileges.isRoot

struct Missing: Error {}

/// `#require` for values that cannot be copied.
func required<T: ~Copyable>(_ value: consuming T?) throws -> T {
    guard let value else { throw Missing() }
    return value
}
