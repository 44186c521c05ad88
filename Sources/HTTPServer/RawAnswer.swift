/// An answer as bytes, for connections libmicrohttpd does not have or no longer answers on; never a stream.
enum RawAnswer {
    static func bytes(_ response: HTTPServer.Response) -> [UInt8] {
        var bytes = Array("HTTP/1.1 \(response.status) \(reason(response.status))\r\n".utf8)
        for header in response.headers {
            bytes.append(contentsOf: "\(header.name): \(header.value)\r\n".utf8)
        }
        bytes.append(contentsOf: "Connection: close\r\nContent-Length: \(response.body.count)\r\n\r\n".utf8)
        switch response.body {
        case .none, .stream: break
        case .bytes(let body): bytes.append(contentsOf: body)
        case .text(let text): text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        case .lent(let lent): unsafe bytes.append(contentsOf: lent.memory)
        }
        response.onSent?()
        return bytes
    }

    /// RFC 9110, section 15; clients ignore it (RFC 9112, section 4).
    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 503: "Service Unavailable"
        default: ""
        }
    }
}
