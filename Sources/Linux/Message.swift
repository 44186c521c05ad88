import CLinux

/// One message of a SEQPACKET socket, with the descriptors that came along (SCM_RIGHTS, unix(7)).
///
/// Descriptors that nobody takes are closed when the message ends.
package struct Message: ~Copyable {
    package let bytes: [UInt8]
    private var first: FileDescriptor?
    private var others: [Int32]

    fileprivate init(bytes: [UInt8], descriptors: ArraySlice<Int32>) {
        self.bytes = bytes
        if let number = descriptors.first {
            first = FileDescriptor(owning: number)
        } else {
            first = nil
        }
        others = Array(descriptors.dropFirst())
    }

    deinit { for number in others { _ = close(number) } }

    /// The next descriptor, in the order they were sent; nil when there are no more.
    package mutating func takeDescriptor() -> FileDescriptor? {
        if let descriptor = first.take() { return descriptor }
        return others.isEmpty ? nil : FileDescriptor(owning: others.removeFirst())
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension FileDescriptor {
    /// The longest message anybody here sends; a longer one is refused with EMSGSIZE.
    package static let longestMessage = 4096

    /// Sends one message; `descriptors` (at most 8) are borrowed and stay open here.
    package func sendMessage(
        _ bytes: [UInt8], descriptors: [Int32] = [], until deadline: Deadline
    ) throws(SystemError) {
        while true {
            let sent = unsafe bytes.withUnsafeBytes { data in
                unsafe descriptors.withUnsafeBufferPointer { passed in
                    unsafe clinux_send_message(
                        number, data.baseAddress, data.count, passed.baseAddress, Int32(passed.count),
                        Int32(MSG_DONTWAIT))
                }
            }
            if sent >= 0 { return }
            switch clinux_errno() {
            case EINTR: continue
            case EAGAIN:
                guard try wait(for: Int16(POLLOUT), until: deadline) else { throw SystemError("sendmsg", ETIMEDOUT) }
            default: throw SystemError("sendmsg")
            }
        }
    }

    /// Sends `bytes` with one descriptor and closes it here.
    package func sendMessage(
        _ bytes: [UInt8], giving descriptor: consuming FileDescriptor, until deadline: Deadline
    ) throws(SystemError) {
        try sendMessage(bytes, descriptors: [descriptor.number], until: deadline)
    }

    /// The next message; nil when the other end has closed. An empty message is never sent by this house, so it counts
    /// as the end. ETIMEDOUT when the deadline passes, EMSGSIZE for a message cut short.
    package func receiveMessage(until deadline: Deadline) throws(SystemError) -> Message? {
        var bytes = [UInt8](repeating: 0, count: Self.longestMessage)
        var numbers = [Int32](repeating: -1, count: Int(CLINUX_MOST_DESCRIPTORS))
        while true {
            var count: Int32 = 0
            var cut: Int32 = 0
            let got = unsafe bytes.withUnsafeMutableBytes { data in
                unsafe numbers.withUnsafeMutableBufferPointer { received in
                    unsafe clinux_receive_message(
                        number, data.baseAddress, data.count, received.baseAddress, &count, &cut,
                        Int32(MSG_DONTWAIT))
                }
            }
            if got < 0 {
                switch clinux_errno() {
                case EINTR: continue
                case ECONNRESET: return nil
                case EAGAIN:
                    guard try wait(for: Int16(POLLIN), until: deadline) else {
                        throw SystemError("recvmsg", ETIMEDOUT)
                    }
                    continue
                default: throw SystemError("recvmsg")
                }
            }
            let message = Message(bytes: Array(bytes[..<got]), descriptors: numbers[..<Int(count)])
            guard cut == 0 else { throw SystemError("recvmsg", EMSGSIZE) }
            if got == 0 { return nil }
            return consume message
        }
    }
}
