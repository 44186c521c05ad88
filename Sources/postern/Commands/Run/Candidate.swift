import Linux
import Rules

/// A process of this same command line that reads the secrets, and becomes the program if it is told to.
final class Candidate {
    let process: ChildProcess
    /// What it has read, once it has said so: each secret with its version.
    private(set) var versions: String?
    /// The leases it has, `id=seconds` each.
    private(set) var leases = ""
    /// What it was told.
    private(set) var order: Superior.Order?
    private let line: FileDescriptor
    private var said: [UInt8] = []
    private var hasEnded = false

    private init(_ process: ChildProcess, _ line: consuming FileDescriptor) {
        self.process = process
        self.line = line
    }

    /// `files` is where it writes them, empty for memory; `mask` the signals it holds back.
    static func start(files: String, _ mask: SignalInbox.Mask) throws(Failure) -> Candidate {
        try attempt("start a process") { () throws(SystemError) in
            let pair = try SocketPair(.stream)
            return try pair.split { near, far throws(SystemError) in
                try far.inherit()
                let word = Superior.option(far.number, files: files)
                return Candidate(try ChildProcess.again([word], signals: mask), near)
            }
        }
    }

    /// What to wait for while it may say something; -1 when it has nothing more to say.
    var waitsOn: Int32 { versions == nil && !hasEnded ? line.number : -1 }

    /// Takes what it has said; true once that is its versions.
    func hear() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var span = bytes.mutableSpan
        guard let got = try? line.receive(into: &span, until: .after(milliseconds: 0)), got > 0 else {
            hasEnded = true
            return false
        }
        said += bytes[..<got]
        guard said.last == 10 else { return false }
        let parts = said.dropLast().split(separator: 9, omittingEmptySubsequences: false)
        leases = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
        versions = String(decoding: parts[0], as: UTF8.self)
        return true
    }

    func tell(_ order: Superior.Order) {
        self.order = order
        try? line.send([order.rawValue], until: .after(seconds: 1))
    }
}
