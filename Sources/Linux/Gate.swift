import CLinux

/// State behind a lock, with a way to sleep until it has changed: what `Mutex` lacks.
///
/// Waiting takes a function that is called again after each wake-up, so no reference to the state lives while the lock
/// is given up. No allocation per call.
@safe package final class Gate<State: ~Copyable>: @unchecked Sendable {  // all access under the lock
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let state: UnsafeMutablePointer<State>

    /// A gate over this state; nobody waits yet.
    package init(_ initial: consuming sending State) {
        unsafe lock = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: initial)
        unsafe pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(lock)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe changed.deallocate()
        unsafe lock.deallocate()
    }

    /// Runs `body` under the lock. It must not call this gate again.
    package func withLock<R: ~Copyable, E>(_ body: (inout State) throws(E) -> sending R) throws(E) -> sending R {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return try unsafe body(&state.pointee)
    }

    /// Runs `ready` under the lock now and after each wake-up until it returns something; nil when the deadline passed.
    package func wait<R: ~Copyable, E>(
        until deadline: Deadline = .never, _ ready: (inout State) throws(E) -> sending R?
    ) throws(E) -> sending R? {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        var end = deadline.timespec
        while true {
            if let result = try unsafe ready(&state.pointee) { return result }
            if deadline == .never {
                unsafe pthread_cond_wait(changed, lock)
            } else if unsafe pthread_cond_timedwait(changed, lock, &end) == ETIMEDOUT {
                return try unsafe ready(&state.pointee)
            }
        }
    }

    /// Wakes one waiter; call it after the change, inside or outside the lock.
    package func wakeOne() { unsafe pthread_cond_signal(changed) }

    /// Wakes all waiters.
    package func wakeAll() { unsafe pthread_cond_broadcast(changed) }
}
