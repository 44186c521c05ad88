import Sealing

/// SHA-256 of executables, each state of a file read once (design, section 5).
///
/// Nothing is held while a file is read: who needs no digest does not wait. Who asks for the same file waits for the one
/// who reads it, and so do programs of one user for each other: one that changes its file all the time delays none but
/// its own user's.
final class ProgramDigests: Sendable {
    static let shared = ProgramDigests()

    /// Longer files match no digest.
    static let largest: UInt64 = 512 << 20
    /// So many digests are remembered, the newest.
    static let most = 256
    /// So many files are read at once.
    private static let readers = 4
    /// Milliseconds to wait for others who read; the longest file takes some two seconds.
    private let patience: Int64

    private struct State {
        var known: [FileIdentity: String] = [:]
        var order: [FileIdentity] = []
        /// What is read at the moment, and for which user.
        var reading: [FileIdentity: UInt32] = [:]
        var reads = 0
    }

    private enum Turn: Sendable {
        case known(String)
        case mine
    }

    private let state = Gate(State())
    private let settling: Int64

    /// - Parameter settling: milliseconds after its last change before a file's digest is remembered. The clock of file
    ///   systems ticks every few milliseconds, that of some every second, and a change in the same tick is not seen.
    init(settling: Int64 = 2_000, patience: Int64 = 5_000) {
        self.settling = settling
        self.patience = patience
    }

    /// How many files were read so far.
    var reads: Int { state.withLock { $0.reads } }
    /// How many digests are remembered.
    var count: Int { state.withLock { $0.known.count } }

    /// The digest in lower-case hex of what `path` leads to, if that is the file `wanted`.
    ///
    /// nil where it may not be read, is too long, is no regular file, is on FUSE, was changed while it was read, or could
    /// not be read in time. `uid`: whose process asks.
    func sha256(of path: String, if wanted: FileIdentity, for uid: UInt32) -> String? {
        guard let file = try? FileDescriptor.open(path, .read), let identity = FileIdentity(of: file),
            identity.isSameFile(as: wanted), identity.isRegular, identity.size <= Self.largest, !file.isMadeUp
        else { return nil }
        let turn = state.wait(until: .after(milliseconds: patience)) { state -> Turn? in
            if let digest = state.known[identity] { return .known(digest) }
            let reading = state.reading
            guard reading[identity] == nil, !reading.values.contains(uid), reading.count < Self.readers else {
                return nil
            }
            state.reading[identity] = uid
            state.reads += 1
            return .mine
        }
        switch turn {
        case .known(let digest)?: return digest
        case nil: return nil
        case .mine?: break
        }
        let mayRemember = Clock.wallMilliseconds - identity.changed / 1_000_000 >= settling
        let digest = Self.read(file, identity)
        state.withLock { state in
            state.reading[identity] = nil
            guard mayRemember, let digest, state.known.updateValue(digest, forKey: identity) == nil else { return }
            state.order.append(identity)
            if state.order.count > Self.most { state.known.removeValue(forKey: state.order.removeFirst()) }
        }
        state.wakeAll()
        return digest
    }

    private static func read(_ file: borrowing FileDescriptor, _ identity: FileIdentity) -> String? {
        var hash = IncrementalSHA256()
        var chunk = [UInt8](repeating: 0, count: 256 * 1024)
        var left = identity.size
        while true {
            var span = chunk.mutableSpan
            guard let got = try? file.read(into: &span), got <= left else { return nil }
            if got == 0 { break }
            left -= UInt64(got)
            hash.update(chunk.span.extracting(..<got))
        }
        guard left == 0, FileIdentity(of: file) == identity else { return nil }
        return hash.finish().hex
    }
}
