import CMicroHTTPD
import Glibc
import Rules
import Synchronization

/// libmicrohttpd's side of a server: its threads, and the calls it makes back.
@safe final class Daemon: @unchecked Sendable {  // the library's calls used here are thread-safe
    private let handle: OpaquePointer
    private let core: Unmanaged<Core>
    private let stopped = Atomic(false)

    /// Room for the largest header there may be, what the library keeps beside it, and the answer's header.
    private static let headroom = 8 * 1024
    /// Touched only as deep as handlers go.
    private static let stack = 512 * 1024

    init(core: Core) throws(Problem) {
        let kept = unsafe Unmanaged.passRetained(core)
        let started = unsafe cmhd_start(
            core.limits.header + Self.headroom, Self.stack, accessed, targetArrived, completed, connectionChanged,
            kept.toOpaque())
        guard let started = unsafe started else {
            unsafe kept.release()
            throw Problem(.internal, "libmicrohttpd did not start.")
        }
        unsafe handle = started
        unsafe self.core = kept
    }

    /// Takes over the descriptor; false, and the descriptor closed, when there is no memory or thread.
    func add(_ descriptor: Int32) -> Bool {
        unsafe MHD_add_connection(handle, descriptor, nil, 0) == .YES
    }

    /// Ends all connections and waits for their threads. No connection may be added afterwards.
    func stop() {
        guard !stopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        unsafe MHD_stop_daemon(handle)
        unsafe core.release()
    }
}

/// A connection begins (found by its descriptor, kept alive for the library) or ends.
private let connectionChanged: MHD_NotifyConnectionCallback = { cls, handle, slot, what in
    guard let cls = unsafe cls, let slot = unsafe slot, let handle = unsafe handle else { return }
    if what == .CONNECTION_NOTIFY_STARTED {
        let core = unsafe Unmanaged<Core>.fromOpaque(cls).takeUnretainedValue()
        guard let connection = unsafe core.registry.connection(at: cmhd_descriptor(handle)) else { return }
        unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
    } else if let kept = unsafe slot.pointee {
        let connection = unsafe Unmanaged<HTTPServer.Connection>.fromOpaque(kept).takeRetainedValue()
        unsafe slot.pointee = nil
        connection.core.registry.remove(connection)
        connection.noteUnheard()
        connection.ended()
    }
}

/// The request line has come; what is returned is given to the calls below.
private let targetArrived:
    @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> UnsafeMutableRawPointer? = {
        _, target, handle in
        guard let target = unsafe target, let handle = unsafe handle, let kept = unsafe cmhd_context(handle) else {
            return nil
        }
        let connection = unsafe Unmanaged<HTTPServer.Connection>.fromOpaque(kept).takeUnretainedValue()
        connection.requestBegan()
        let count = unsafe strlen(target)
        // The library ends target and line with a NUL each, and takes one of the sender's for its own: what follows the
        // target is then not the version, and what was meant is not what we see.
        connection.isCutShort = unsafe strncmp(target + count + 1, "HTTP/", 5) != 0
        return unsafe connection.target.append(target, count) ? kept : nil
    }

/// Called when the header is complete, for each piece of the body, and once more when all has come.
private let accessed: MHD_AccessHandlerCallback = { _, handle, _, method, _, piece, pieceCount, slot in
    guard let handle = unsafe handle, let kept = unsafe slot?.pointee, let pieceCount = unsafe pieceCount else {
        return .NO
    }
    let connection = unsafe Unmanaged<HTTPServer.Connection>.fromOpaque(kept).takeUnretainedValue()
    let exchange = unsafe Exchange(handle, connection, method)
    switch connection.stage {
    case .target:
        connection.stage = .body
        return exchange.headerArrived()
    case .body:
        let count = unsafe pieceCount.pointee
        guard count > 0 else {
            connection.stage = .answered
            return exchange.requestArrived()
        }
        unsafe pieceCount.pointee = 0
        return unsafe exchange.bodyArrived(piece, count)
    case .waiting, .answered: return .NO
    }
}

/// The answer has left, or the connection ended in the middle of a request.
private let completed: MHD_RequestCompletedCallback = { _, handle, slot, how in
    guard let kept = unsafe slot?.pointee else { return }
    let connection = unsafe Unmanaged<HTTPServer.Connection>.fromOpaque(kept).takeUnretainedValue()
    if how == .REQUEST_TERMINATED_WITH_ERROR, let handle = unsafe handle {
        connection.noteRefused(status: unsafe cmhd_status(handle))
    }
    connection.requestEnded()
}
