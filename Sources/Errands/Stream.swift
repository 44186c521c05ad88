package import Linux
package import Rules

/// Frames and control messages over sockets. An error of the system means that the other process is gone or stuck.
extension Frame {
    /// Writes this frame to a stream. Throws `.courierUnavailable` when the other end is gone or the deadline passes.
    package func send(on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
        let bytes = try encoded()
        do { try stream.send(bytes, until: deadline) } catch { throw lost }
    }

    /// Reads one frame from a stream. Throws `.courierUnavailable` when it ends or the deadline passes before it is
    /// whole, `.tooLarge` when it announces too much.
    package static func receive(
        on stream: borrowing FileDescriptor, maxBody: Int = Frame.maxBody, until deadline: Deadline
    ) throws(Problem) -> Frame {
        try read(maxBody: maxBody) { count throws(Problem) in
            do { return try stream.receive(exactly: count, until: deadline) } catch { throw lost }
        }
    }
}

/// The byte with which the courier says that it has the whole errand and begins.
package enum Taken {
    private static let mark: UInt8 = 0x06

    /// Says so. `courier_unavailable` when nobody is there to hear it.
    package static func send(on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
        try sendByte(mark, on: stream, until: deadline)
    }

    static func receive(on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
        try receiveByte(mark, on: stream, until: deadline)
    }
}

/// The byte with which the keeper says that an answer is durable and the courier may forget it.
package enum Kept {
    private static let mark: UInt8 = 0x07

    static func send(on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
        try sendByte(mark, on: stream, until: deadline)
    }

    /// Waits for it. `courier_unavailable` when the keeper is gone, or does not say so in time.
    package static func receive(on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
        try receiveByte(mark, on: stream, until: deadline)
    }
}

private func sendByte(_ byte: UInt8, on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
    do { try stream.send([byte], until: deadline) } catch { throw lost }
}

private func receiveByte(_ byte: UInt8, on stream: borrowing FileDescriptor, until deadline: Deadline) throws(Problem) {
    do {
        guard try stream.receive(exactly: 1, until: deadline) == [byte] else { throw lost }
    } catch { throw lost }
}

extension Control {
    /// How long the other process may leave a full control channel unread.
    private static let patience: Int64 = 5

    /// Sends this message, with one end of a stream where it needs one; the end stays open here.
    package func send(on channel: borrowing FileDescriptor, with stream: Int32? = nil) throws(Problem) {
        let bytes = try encoded()
        let deadline = Deadline.after(seconds: Self.patience)
        do {
            try channel.sendMessage(bytes, descriptors: stream.map { [$0] } ?? [], until: deadline)
        } catch { throw lost }
    }

    /// The next message and the stream that came with it; nil when the other process is gone.
    package static func receive(
        on channel: borrowing FileDescriptor, until deadline: Deadline = .never
    ) throws(Problem) -> Received? {
        let received: Message?
        do { received = try channel.receiveMessage(until: deadline) } catch { throw lost }
        guard var message = received else { return nil }
        return Received(control: try Control(message.bytes), stream: message.takeDescriptor())
    }

    /// A control message with the descriptor that came along, if any.
    package struct Received: ~Copyable {
        package let control: Control
        package var stream: FileDescriptor?
    }
}

/// The other process is gone, or does not read.
private var lost: Problem {
    Problem(.courierUnavailable, "The courier does not answer.", advice: "Try again.")
}
