import Errands
import Linux
import Rules
import Sealing
import Synchronization

/// Puts answers aside that the keeper did not take and that cannot be had twice (design, section 7): sealed to the
/// vault's spool key, which only the keeper can open, in a directory in which this process can only make files.
final class Spool: Sendable {
    /// More files than this one process never makes.
    private static let mostFiles = 512
    /// No longer answer is put aside: the platforms' are below 100 KiB.
    private static let mostBytes = 256 * 1024

    private let directory: FileDescriptor?
    private let underWay = Gate(0)
    private let made = Atomic<Int>(0)

    /// Without a directory nothing is put aside.
    init(_ directory: consuming FileDescriptor?) { self.directory = directory }

    /// An errand comes in that may have to be put aside.
    func begin() { underWay.withLock { $0 += 1 } }

    /// It is over, or is none of those.
    func end() {
        underWay.withLock { $0 -= 1 }
        underWay.wakeAll()
    }

    /// Waits for what is under way: no errand takes longer.
    func finish() { _ = underWay.wait(until: .after(seconds: 40)) { $0 == 0 ? true : nil } }

    /// Writes one answer, durable when this returns. Nobody can read the file before it is whole.
    func put(_ frame: Frame, _ aside: Errand.Spool) throws(Problem) {
        guard made.add(1, ordering: .relaxed).newValue <= Self.mostFiles, frame.body.count <= Self.mostBytes else {
            throw Problem(.tooLarge, "There is no room for this answer in the spool.")
        }
        guard let key = Digest32(hex: aside.publicKey) else {
            throw Problem(.badRequest, "The spool key is none.")
        }
        let plain = try SpooledAnswer(ticket: aside.ticket, frame: frame).bytes()
        let sealed = SealedBox.seal(plain.span, to: key)
        let name = Hex.encode(Sodium.randomBytes(16).span)
        do throws(SystemError) {
            switch directory {
            case .some(let directory):
                let file = try Directory.makeFile(name, mode: 0, in: directory)
                try file.write(sealed)
                try file.syncData()
                try Directory.setMode(of: file, 0o644)
                // The mode and the name are part of what must not be lost.
                try file.sync()
                try directory.sync()
            case .none: throw SystemError("openat", 2)
            }
        } catch { throw error.problem(doing: "put an answer aside") }
    }
}
