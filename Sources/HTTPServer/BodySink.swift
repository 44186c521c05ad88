extension HTTPServer {
    /// Takes a request's body piece by piece as it comes, instead of the server's own buffer.
    package struct BodySink: Sendable {
        /// What became of a piece.
        package enum Taken: Sendable {
            /// It is kept: the time for the whole request goes on.
            case kept
            /// It was passed on, which may have taken long: the time of the next piece begins now.
            case passedOn
            /// No more is taken; the connection ends with this answer.
            case refused(Response)
        }

        /// What the handler finds in `Request.sink`.
        package let receiver: any AnyObject & Sendable
        let take: @Sendable (Span<UInt8>) -> Taken
        let ended: @Sendable () -> Void

        /// `take` is called on the connection's thread and may block; `ended` there too, once, when the request is over,
        /// whatever became of it.
        package init(
            receiver: any AnyObject & Sendable, take: @escaping @Sendable (Span<UInt8>) -> Taken,
            ended: @escaping @Sendable () -> Void
        ) {
            self.receiver = receiver
            self.take = take
            self.ended = ended
        }
    }

    /// Where a request's body goes.
    package enum BodyPlace: Sendable {
        /// Into memory of the server, up to `Service.bodyLimit`.
        case buffer
        /// To whoever takes it as it comes, up to the same limit where the length is known before.
        case sink(BodySink)
        /// Nowhere: the request is refused unread, and the connection ends with this answer.
        case refuse(Response)
    }
}
