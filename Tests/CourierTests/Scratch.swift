import Glibc
import Linux

/// A directory of its own, gone with the value.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/postern-courier-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { throw SystemError("mkdtemp", errno) }
        path = unsafe String(cString: made)
    }

    deinit { Shell.run("/bin/rm", ["-rf", path]) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func text(_ name: String) -> String {
        guard let file = try? FileDescriptor.open(file(name), .read),
            let bytes = try? file.readToEnd(atMost: 1 << 24)
        else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Programs of the system, run to their end.
enum Shell {
    /// What a program wrote to standard output; its errors go nowhere.
    @discardableResult
    static func run(_ path: String, _ arguments: [String]) -> String {
        do {
            let nowhere = try FileDescriptor.open("/dev/null", .readWrite)
            return try SocketPair(.stream).split { near, far in
                let child = try ChildProcess.start(
                    path, arguments, descriptors: [0: nowhere.number, 1: far.number, 2: nowhere.number])
                _ = consume far
                let output = try near.readToEnd(atMost: 1 << 24)
                try child.wait()
                return String(decoding: output, as: UTF8.self)
            }
        } catch { return "" }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    static var isRoot: Bool { getuid() == 0 }
}

/// Polls until something is so; false when it was not within half a minute.
func eventually(_ isSo: () -> Bool) -> Bool {
    let deadline = Deadline.after(seconds: 30)
    while !isSo() {
        if deadline.hasPassed { return false }
        usleep(2000)
    }
    return true
}
