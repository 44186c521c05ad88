import CLinux

/// A plain POSIX thread. Ends when its body returns; there is no way to stop it from outside.
package final class Thread: Sendable {
    private let handle: pthread_t
    private let joined: Word = Word()

    private init(handle: pthread_t) { self.handle = handle }

    deinit { if joined.exchange(1) == 0 { pthread_detach(handle) } }

    /// Starts `body`; `name` is what the kernel shows (its first 15 bytes). Signals that somebody waits for with
    /// `StopSignals` must be blocked before the first thread starts: threads inherit the mask.
    ///
    /// Throws EAGAIN where the system has no more threads to give.
    @discardableResult
    package static func start(
        name: String, stackBytes: Int = 512 * 1024, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> Thread {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, max(stackBytes, 65_536))

        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let result = unsafe pthread_create(&handle, &attributes, threadMain, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", result)
        }
        return Thread(handle: handle)
    }

    /// Overwrites what calls that have returned left on this thread's stack, 128 KiB deep: copies of secrets that
    /// registers spilled there. Needs that much room.
    package static func wipeStack() { clinux_wipe_stack() }

    /// Waits until the body has returned. Call it once; later calls return at once.
    package func join() {
        guard joined.exchange(1) == 0 else { return }
        _ = pthread_join(handle, nil)
    }
}

private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
    _ = unsafe clinux_set_thread_name(start.name)
    start.body()
    return nil
}

extension Thread {
    /// Lets others run that are ready to.
    package static func yield() { _ = sched_yield() }
}
