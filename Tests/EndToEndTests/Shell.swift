import Glibc
import Linux

/// Programs of the system, run to their end.
enum Shell {
    /// What a program wrote to standard output, and how it ended; its errors go nowhere.
    @discardableResult
    static func run(_ path: String, _ arguments: [String]) throws -> (output: String, ending: ChildProcess.Ending) {
        let nowhere = try FileDescriptor.open("/dev/null", .readWrite)
        return try SocketPair(.stream).split { near, far in
            let child = try ChildProcess.start(
                path, arguments, descriptors: [0: nowhere.number, 1: far.number, 2: nowhere.number])
            _ = consume far
            let output = try near.readToEnd(atMost: 1 << 26)
            return (String(decoding: output, as: UTF8.self), try child.wait())
        }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
    static var isRoot: Bool { getuid() == 0 }

    /// The whole file; empty where there is none.
    static func bytes(of path: String) -> [UInt8] {
        (try? FileDescriptor.open(path, .read).readToEnd(atMost: 1 << 28)) ?? []
    }

    static func text(of path: String) -> String { String(decoding: bytes(of: path), as: UTF8.self) }
}

/// Polls until something is so; false when it was not in time.
func eventually(within seconds: Int64 = 60, _ isSo: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline.after(seconds: seconds)
    while try !isSo() {
        if deadline.hasPassed { return false }
        usleep(2000)
    }
    return true
}

/// Why a test did not run.
let needsRoot = "needs a second uid: run the tests as root"
