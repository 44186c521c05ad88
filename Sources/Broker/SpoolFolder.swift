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

    /// What lies there, at most so many files. Those still being written cannot be read, and are left out.
    func files() -> [(name: String, bytes: [UInt8])] {
        names().compactMap { name in read(name).map { (name, $0) } }
    }

    /// Removes what a courier that was killed left half-written. Only while there is no courier at all.
    func clear() {
        for name in names() where read(name) == nil { remove(name) }
    }

    private func names() -> ArraySlice<String> {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).prefix(1024)
    }

    private func read(_ name: String) -> [UInt8]? {
        try? FileDescriptor.open("\(path)/\(name)", .read, followingLinks: false).readToEnd(atMost: 1 << 20)
    }

    func remove(_ name: String) {
        do throws(SystemError) { try Directory.removeFile("\(path)/\(name)") } catch {
            Log.warning("spool_not_cleared", ["why": error])
        }
    }
}
