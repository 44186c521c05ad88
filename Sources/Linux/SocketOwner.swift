import CLinux

/// Who holds the other end of a TCP connection between two processes of this machine, as the kernel has it
/// (sock_diag(7), `inet_diag` asked for exactly that connection).
///
/// `/proc/net/tcp` says the same in a table of all connections there are, printed anew for each reader: with 10 000
/// connections that is 1.5 MB to read for one answer, and a line may be missed while the table changes.
package enum SocketOwner {
    /// The uid that the socket at the other end of `descriptor` was made under; nil where there is none on this machine,
    /// or no process holds it any more.
    ///
    /// The uid stays the maker's when the socket is inherited or passed on. It is as this process's user namespace
    /// sees it.
    package static func uid(atOtherEndOf descriptor: Int32) -> UInt32? {
        var question = clinux_diag_question()
        guard unsafe clinux_diag_other_end(descriptor, &question) != 0 else { return nil }
        do throws(SystemError) {
            let answer = try ask(&question)
            let id = answer.body.id
            // The kernel finds a listener, too, where there is no such connection; and one whose process has closed it
            // has no inode and counts as root's.
            guard established.contains(answer.body.idiag_state), answer.body.idiag_inode != 0,
                id.idiag_sport == question.body.id.idiag_sport, id.idiag_dport == question.body.id.idiag_dport
            else { return nil }
            return answer.body.idiag_uid
        } catch { return nil }
    }

    /// Whether this kernel tells at all, tried on a connection to ourselves. Not every kernel has `inet_diag`.
    package static var isTold: Bool {
        let address = ListenAddress.ipv4(0x7F00_0001, port: 0)
        do {
            let listener = try FileDescriptor.listen(at: address)
            let client = try FileDescriptor.connect(to: listener.address(asked: address))
            let server = try listener.accept(until: .after(seconds: 5))
            let uid = uid(atOtherEndOf: server.number)
            _ = consume client
            return uid == Privileges.uid
        } catch { return false }
    }

    /// ESTABLISHED, FIN_WAIT1, FIN_WAIT2: the states of one who is connected and may still read (tcp_states.h). Not
    /// SYN_SENT: somebody could try to connect from the address of a connection we have not closed yet.
    private static let established: Set<UInt8> = [1, 4, 5]

    private static func ask(_ question: inout clinux_diag_question) throws(SystemError) -> clinux_diag_answer {
        // One each: answers cannot be mixed up, and nothing is shared between threads. NETLINK_SOCK_DIAG is 4.
        let socket = try FileDescriptor(
            result: CLinux.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 4), of: "socket")
        guard clinux_connect_to_kernel(socket.number) == 0 else { throw SystemError("connect") }
        let size = MemoryLayout<clinux_diag_question>.size
        guard unsafe CLinux.send(socket.number, &question, size, 0) == size else { throw SystemError("send") }
        var answer = clinux_diag_answer()
        // The kernel has answered before send returns.
        let got = unsafe recv(
            socket.number, &answer, MemoryLayout<clinux_diag_answer>.size, Int32(MSG_DONTWAIT))
        guard got >= MemoryLayout<nlmsghdr>.size + MemoryLayout<inet_diag_msg>.size,
            answer.header.nlmsg_type == UInt16(SOCK_DIAG_BY_FAMILY)
        else { throw SystemError("recv", ENOENT) }
        return answer
    }
}
