import CLinux

/// Telling the service manager how we are (sd_notify(3)): one datagram.
package enum ServiceManager {
    /// What sd_notify(3) is told.
    package enum News: Sendable {
        case ready
        case stopping
        case reloading
        /// One line for `systemctl status`.
        case status(String)

        var text: String {
            switch self {
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonicNanoseconds / 1000)"
            case .status(let line): "STATUS=\(String(line.map { $0 == "\n" ? " " : $0 }))"
            }
        }
    }

    /// Does nothing where no service manager listens; false where it could not be told.
    @discardableResult
    package static func tell(_ news: News) -> Bool {
        guard let path = Environment.value(of: "NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
            return true
        }
        do {
            let address = try UnixAddress(path)
            let socket = try FileDescriptor.unixDatagrams()
            let bytes = Array(news.text.utf8)
            let sent = unsafe address.with {
                unsafe clinux_send_unix(socket.number, bytes, bytes.count, $0, address.length)
            }
            return sent == bytes.count
        } catch {
            return false
        }
    }
}
