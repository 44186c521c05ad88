package import Linux
package import Rules
import Synchronization

/// HTTP/1.1 on one listening socket, a thread per connection, over libmicrohttpd.
///
/// The library's own listening, timing and counting are not used: connections are accepted here, so that the peer is
/// known before a byte is read, a connection over the limit is told so, and every phase of a request has a total
/// bound instead of a pause bound, which a client sending a byte at a time would never meet.
package final class HTTPServer: Sendable {
    private let core: Core
    private let daemon: Daemon
    private let acceptor: Acceptor
    private let reaper: Reaper

    /// Serves `listening`, a listening Unix or TCP stream socket, until `stop`; closes it in the end, also on error.
    /// Throws `.internal` when there is no memory or thread for it.
    package init(listening: consuming FileDescriptor, limits: Limits = Limits(), service: Service) throws(Problem) {
        core = Core(limits: limits, service: service)
        daemon = try Daemon(core: core)
        acceptor = Acceptor(listening: listening, core: core, daemon: daemon)
        reaper = Reaper(core: core)
        do throws(SystemError) {
            try reaper.start()
            try acceptor.start()
        } catch {
            _ = stop(within: 0)
            throw Problem(.internal, "There is no thread for the server.")
        }
    }

    /// How many connections there are now.
    package var connections: Int { core.registry.count }

    /// Accepts nothing more, closes idle connections, lets running requests finish, then ends all threads.
    ///
    /// Returns false when requests were still running after `milliseconds`; they then keep their threads, and their
    /// answers may still leave, so the caller should exit the process, or call again. Not from a handler.
    package func stop(within milliseconds: Int) -> Bool {
        core.stopping.store(true, ordering: .releasing)
        core.stopped.raise()
        acceptor.stop()
        let deadline = Deadline.after(milliseconds: Int64(milliseconds))
        let pause = Signal()
        var drained = core.registry.drain()
        while !drained, !deadline.hasPassed {
            pause.wait(until: .after(milliseconds: 2))
            drained = core.registry.drain()
        }
        reaper.stop()
        if drained { daemon.stop() }
        return drained
    }
}

extension HTTPServer {
    /// What one server accepts. Times in milliseconds, sizes in bytes.
    package struct Limits: Sendable {
        /// Request line and header fields together; above it, 431.
        package var header = 64 * 1024
        package var connections = 4096
        /// Connections with the same `Admission.share`.
        package var connectionsPerShare = 1024
        /// For the whole of one request to arrive.
        package var receive = 10_000
        /// For one answer to be taken by the client.
        package var send = 60_000
        /// Between two requests of a connection.
        package var idle = 60_000

        /// The limits of design section 6.
        package init() {}
    }

    /// What `Service.connected` says about a connection it takes.
    package struct Admission: Sendable {
        /// Handed back with each request of the connection.
        package let context: any AnyObject & Sendable
        /// Whose share of the connections this one counts against, such as the peer's uid.
        package let share: UInt64

        /// A connection that is let in: what requests on it see, and whose share it counts to.
        package init(context: any AnyObject & Sendable, share: UInt64) {
            self.context = context
            self.share = share
        }
    }

    /// What the server asks of the program it serves.
    package struct Service: Sendable {
        /// A connection was accepted, nothing has been read; nil closes it. On the accepting thread: be quick.
        package var connected: @Sendable (_ descriptor: Int32) -> Admission?
        /// Called once for each admitted connection, when it has ended. On a thread of the server: be quick.
        package var disconnected: @Sendable (_ context: any AnyObject & Sendable) -> Void
        /// The largest body this request may have, asked before the body is read, and only when there is one.
        package var bodyLimit: @Sendable (borrowing Request) -> Int
        /// Where this request's body goes, asked after `bodyLimit`, before the body is read; its length where that is known.
        package var bodyPlace: @Sendable (borrowing Request, _ length: Int?) -> BodyPlace
        /// The answer for what the server refuses by itself; nil context when the connection was not admitted.
        package var refuse: @Sendable (_ problem: Problem, _ context: (any AnyObject & Sendable)?) -> Response
        /// Answers a request, on the connection's own thread; may block.
        package var handle: @Sendable (borrowing Request) -> Response

        /// Every field as given.
        package init(
            connected: @escaping @Sendable (Int32) -> Admission?,
            disconnected: @escaping @Sendable (any AnyObject & Sendable) -> Void = { _ in },
            bodyLimit: @escaping @Sendable (borrowing Request) -> Int = { _ in 1024 * 1024 },
            bodyPlace: @escaping @Sendable (borrowing Request, Int?) -> BodyPlace = { _, _ in .buffer },
            refuse: @escaping @Sendable (Problem, (any AnyObject & Sendable)?) -> Response,
            handle: @escaping @Sendable (borrowing Request) -> Response
        ) {
            self.connected = connected
            self.disconnected = disconnected
            self.bodyLimit = bodyLimit
            self.bodyPlace = bodyPlace
            self.refuse = refuse
            self.handle = handle
        }
    }
}
