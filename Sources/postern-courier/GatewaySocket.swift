import Linux
import Rules

/// The gateway's listening socket, which outlives couriers: bound before posternd had a key, held by the starter, handed
/// to one courier after the other. So nobody else can have the port while there is none, and who connects then waits.
enum GatewaySocket: ~Copyable {
    case off
    /// Listening; the address is what must stand in `Host`.
    case listening(FileDescriptor, String)
    /// There is a socket, but nobody may be let in; why, for `doctor`.
    case useless(String)

    private static let number: Int32 = 5

    /// Takes descriptor 5 over where there is to be a gateway. Before confinement: a kernel may have to load a module.
    static func taken(for given: ListenAddress) throws(Problem) -> GatewaySocket {
        guard given != .off else { return .off }
        let socket = FileDescriptor(owning: number)
        // A courier that stopped listening stopped it for us too.
        do { try socket.listen() } catch { throw error.problem(doing: "listen on \(given)") }
        guard SocketOwner.isTold else {
            return .useless(
                "this kernel does not say whose a TCP connection is (inet_diag): the gateway for SDKs is off")
        }
        let address = socket.address(asked: given).description
        return .listening(socket, address)
    }
}
