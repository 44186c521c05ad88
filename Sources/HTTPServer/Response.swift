extension HTTPServer {
    /// An answer. Content-Length, Date and Connection are added by the server.
    package struct Response: Sendable {
        /// One header line of ours.
        package struct Header: Sendable, Equatable {
            package let name: String
            package let value: String

            /// A line of this name and value; both are ours and never hold a line break.
            package init(_ name: String, _ value: String) {
                self.name = name
                self.value = value
            }
        }

        /// What is sent, and how its memory is treated afterwards.
        package enum Body: Sendable {
            case none
            /// Copied into memory of libmicrohttpd, which is freed, not wiped: not for secrets.
            case bytes([UInt8])
            case text(StaticString)
            case lent(LentBytes)
            case stream(Stream)

            /// Bytes in all, as far as that is known before it is sent.
            package var count: Int {
                switch self {
                case .none: 0
                case .bytes(let bytes): bytes.count
                case .text(let text): text.utf8CodeUnitCount
                case .lent(let bytes): bytes.count
                case .stream(let stream): stream.length ?? 0
                }
            }
        }

        package var status: Int
        package var headers: [Header]
        package var body: Body
        /// Close the connection after this answer.
        package var close: Bool
        /// Called exactly once, on the connection's thread, when the answer has left or the connection has ended.
        package var onSent: (@Sendable () -> Void)?

        /// Every field as given.
        package init(
            status: Int, headers: [Header] = [], body: Body = .none, close: Bool = false,
            onSent: (@Sendable () -> Void)? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.close = close
            self.onSent = onSent
        }
    }

    /// Memory the answer is sent from without a copy, such as a guarded slab. It must stay valid and unchanged until
    /// `Response.onSent` is called.
    @safe package struct LentBytes: @unchecked Sendable {  // lent to one answer, which one thread sends
        let memory: UnsafeRawBufferPointer

        /// The caller answers for the memory living until the answer is sent.
        @unsafe package init(_ memory: UnsafeRawBufferPointer) { unsafe self.memory = memory }

        package var count: Int { unsafe memory.count }
    }
}
