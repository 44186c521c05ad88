import FoundationEssentials
package import Linux
import Rules
import Synchronization

/// The directory in which couriers put answers aside, from the keeper's side.
package final class SpoolFolder: Sendable {
    private let path: String
    private let directory: FileDescriptor
    private let alone = Atomic<Bool>(false)

    /// `directory` is open on `path` and shared with the couriers of this keeper and with nobody else.
    package init(path: String, directory: consuming FileDescriptor) {
        self.path = path
        self.directory = directory
    }

    /// Whether no courier of an earlier keeper is left that could still put an answer aside: each holds the lock of the
    /// directory by the descriptor it was given, to its end.
    var isAlone: Bool {
        if alone.load(ordering: .acquiring) { return true }
        guard Directory.lock(directory) else { return false }
        alone.store(true, ordering: .releasing)
        return true
    }

    /// No answer a courier of ours puts aside is longer, sealed.
    private static let mostBytes = 512 * 1024

    /// Hands what lies there to `isDone`, one file at a time, and removes it where that is true. Those still being
    /// written cannot be read, and are left alone; what is no plain file, or too long, is no answer.
    func each(_ isDone: ([UInt8]) -> Bool) {
        for name in names() {
            switch read(name) {
            case .whole(let bytes): if isDone(bytes) { remove(name) }
            case .rubbish:
                Log.warning("spooled_answer_dropped", ["why": "it is no plain file of a possible length"])
                remove(name)
            case .unreadable: continue
            }
        }
    }

    /// Removes what a courier that was killed left half-written. Only while there is no courier at all.
    func clear() {
        for name in names() {
            if case .whole = read(name) { continue }
            remove(name)
        }
    }

    private enum Content {
        case whole([UInt8])
        case rubbish
        case unreadable
    }

    private func names() -> ArraySlice<String> {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).prefix(1024)
    }

    /// Whoever is in the courier's place chooses what lies there: a pipe must not hold us up, nor a long file fill memory.
    private func read(_ name: String) -> Content {
        do throws(SystemError) {
            let file = try FileDescriptor.open("\(path)/\(name)", .read, followingLinks: false, waiting: false)
            let status = try file.status()
            guard status.kind == .file, status.size <= Self.mostBytes else {
                return status.kind == .directory ? .unreadable : .rubbish
            }
            return .whole(try file.readToEnd(atMost: Self.mostBytes))
        } catch { return .unreadable }
    }

    private func remove(_ name: String) {
        do throws(SystemError) { try Directory.removeFile("\(path)/\(name)") } catch {
            Log.warning("spool_not_cleared", ["why": error])
        }
    }
}
