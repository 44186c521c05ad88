import CMicroHTTPD
package import Linux
package import Rules
import Synchronization

/// A fixed answer from the runtime shape that was not chosen, for `postern-bench shape` to measure against: libmicrohttpd's
/// epoll pool, answering in the callback, or suspending there and answering from a worker thread, as a handler that
/// blocks would need it.
@safe package final class PoolTrial: Sendable {
    private let work: Work

    /// Serves until the process ends. `workers` 0 answers in the callback.
    package init(listening: consuming FileDescriptor, threads: Int, workers: Int, answer: [UInt8]) throws(Problem) {
        work = Work(answer: answer, suspends: workers > 0)
        let kept = unsafe Unmanaged.passRetained(work)
        guard
            unsafe cmhd_start_pool(listening.release(), UInt32(threads), 32 * 1024, poolAccessed, kept.toOpaque())
                != nil
        else { throw Problem(.internal, "libmicrohttpd did not start.") }
        do throws(SystemError) {
            for _ in 0..<workers { try Thread.start(name: "worker") { [work] in work.run() } }
        } catch {
            throw Problem(.internal, "There is no thread for a worker.")
        }
    }
}

/// Suspended requests, and the workers that wait for them.
@safe private final class Work: @unchecked Sendable {  // pointers of the library, used as it allows
    let answer: [UInt8]
    let suspends: Bool
    private let waiting = Gate<[UInt]>([])

    init(answer: [UInt8], suspends: Bool) {
        self.answer = answer
        self.suspends = suspends
    }

    func suspend(_ connection: OpaquePointer) {
        unsafe MHD_suspend_connection(connection)
        let address = UInt(bitPattern: connection)
        waiting.withLock { $0.append(address) }
        waiting.wakeOne()
    }

    func run() {
        while let address = waiting.wait({ $0.popLast() }) {
            guard let connection = unsafe OpaquePointer(bitPattern: address) else { continue }
            unsafe MHD_resume_connection(connection)
        }
    }

    func reply(_ connection: OpaquePointer) -> MHD_Result {
        unsafe answer.withUnsafeBytes { bytes in
            let memory = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            guard let response = unsafe MHD_create_response_from_buffer(bytes.count, memory, .RESPMEM_MUST_COPY) else {
                return .NO
            }
            defer { unsafe MHD_destroy_response(response) }
            return unsafe MHD_queue_response(connection, 200, response)
        }
    }
}

/// The slot counts the calls for one request: its header, then (when suspended) the wake-up.
private let poolAccessed: MHD_AccessHandlerCallback = { cls, connection, _, _, _, _, _, slot in
    guard let cls = unsafe cls, let connection = unsafe connection, let slot = unsafe slot else { return .NO }
    let work = unsafe Unmanaged<Work>.fromOpaque(cls).takeUnretainedValue()
    let call = unsafe UInt(bitPattern: slot.pointee) + 1
    unsafe slot.pointee = UnsafeMutableRawPointer(bitPattern: call)
    if call == 1 { return .YES }
    if call == 2, work.suspends {
        unsafe work.suspend(connection)
        return .YES
    }
    return unsafe work.reply(connection)
}
