import CCurl

/// Where a request goes, parsed once, by the parser that will also connect: two parsers could read two hosts.
@safe final class Address {
    let handle: OpaquePointer

    init(_ request: HTTPClient.Request) throws(HTTPClient.Failure) {
        guard let made = unsafe curl_url() else { throw HTTPClient.Failure(.internal, "no memory") }
        unsafe handle = made
        guard unsafe curl_url_set(handle, CURLUPART_URL, request.url, 0) == CURLUE_OK,
            let host = part(CURLUPART_HOST), let scheme = part(CURLUPART_SCHEME)
        else { throw HTTPClient.Failure(.refused, "the URL is not one") }
        guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil else {
            throw HTTPClient.Failure(.refused, "the URL has credentials in it")
        }
        switch scheme {
        case "https": break
        case "http" where request.unixSocket != nil || Self.isLoopback(host): break
        case "http": throw HTTPClient.Failure(.refused, "plain http goes only to loopback addresses")
        default: throw HTTPClient.Failure(.refused, "the URL is neither http nor https")
        }
    }

    deinit { unsafe curl_url_cleanup(handle) }

    private func part(_ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text = unsafe text else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }

    /// 127.0.0.0/8 and ::1 as literals, and `localhost`, which libcurl never looks up (its known bugs page, 7.77).
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// The header fields as libcurl takes them.
@safe final class FieldList {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    init(_ request: HTTPClient.Request) throws(HTTPClient.Failure) {
        unsafe list = nil
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(Self.isToken) else {
            throw HTTPClient.Failure(.refused, "the method is not one")
        }
        var lines: [String] = []
        var names: Set<String> = []
        for field in request.headers {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(Self.isToken),
                !field.value.utf8.contains(where: { $0 == 0x0d || $0 == 0x0a || $0 == 0 })
            else { throw HTTPClient.Failure(.refused, "a header field is not one") }
            names.insert(field.name.lowercased())
            // A semicolon is how libcurl is told of a field without a value.
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // What libcurl would add by itself.
        for name in ["Expect", "Content-Type", "Accept"] where !names.contains(name.lowercased()) {
            lines.append("\(name):")
        }
        for line in lines {
            guard let longer = unsafe curl_slist_append(list, line) else {
                throw HTTPClient.Failure(.internal, "no memory")
            }
            unsafe list = longer
        }
    }

    deinit { unsafe curl_slist_free_all(list) }

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
