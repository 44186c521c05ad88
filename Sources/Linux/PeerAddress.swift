import CLinux

extension FileDescriptor {
    /// Who is at the other end of a TCP socket, such as `127.0.0.1` or `2001:db8::1`; nil for any other socket.
    package static func peerAddress(of number: Int32) -> String? {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe clinux_peer_address(number, &text, socklen_t(text.count)) != 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Program {
    /// Closes all descriptors from `first` on, whoever left them open. Before any is opened here.
    package static func closeDescriptors(from first: UInt32) { _ = clinux_close_range(first, .max) }

    /// Ends the process at once: no exit handlers run beside threads that are still busy.
    package static func end(_ status: Int32) -> Never { _exit(status) }
}
