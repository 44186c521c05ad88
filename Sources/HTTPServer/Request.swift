import CMicroHTTPD
import Glibc

extension HTTPServer {
    /// One request, lent to the handler. Nothing of it outlives the call but what was copied out.
    @safe package struct Request: ~Copyable {
        private let handle: OpaquePointer
        /// The connection it came on.
        package let connection: Connection
        /// As sent: `GET`, `POST`, …
        package let method: String

        @unsafe init(_ handle: OpaquePointer, on connection: Connection, method: UnsafePointer<CChar>?) {
            unsafe self.handle = handle
            self.connection = connection
            self.method = unsafe method.map { unsafe String(cString: $0) } ?? ""
        }

        /// What `Service.connected` returned for this connection; stops the program when it is of another type.
        package func context<Context: AnyObject>(as type: Context.Type = Context.self) -> Context {
            guard let context = connection.context as? Context else {
                preconditionFailure("a connection has another type of context")
            }
            return context
        }

        /// Who took the body as it came, where `Service.bodyPlace` gave one; nil where there was no body, or no such place.
        package func sink<Receiver: AnyObject>(as type: Receiver.Type = Receiver.self) -> Receiver? {
            connection.sink?.receiver as? Receiver
        }

        package var descriptor: Int32 { connection.descriptor }

        /// The target as sent, nothing decoded: path, and the query after `?` if there is one.
        package var target: String { connection.target.text }

        /// The path as sent, nothing decoded.
        package var path: String { connection.target.text(0..<pathEnd) }

        /// The query as sent without its `?`, nothing decoded; nil when there is none.
        package var rawQuery: String? {
            let end = pathEnd
            let count = connection.target.count
            return end == count ? nil : connection.target.text(end + 1..<count)
        }

        private var pathEnd: Int { connection.target.index(of: UInt8(ascii: "?")) }

        /// Names and values of the query in order, decoded as application/x-www-form-urlencoded; an escape that is
        /// none stays as it is.
        package var query: [(name: String, value: String)] { rawQuery.map(Target.pairs) ?? [] }

        /// The first value of that name in the query, decoded; nil when it is not there.
        package func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

        /// The first header field of that name, whatever its case; bytes that are no UTF-8 are replaced.
        package func header(_ name: String) -> String? {
            var name = name
            return name.withUTF8 { name in
                unsafe name.withMemoryRebound(to: CChar.self) { name in
                    var value: UnsafePointer<CChar>?
                    var count = 0
                    let found = unsafe MHD_lookup_connection_value_n(
                        handle, .HEADER_KIND, name.baseAddress, name.count, &value, &count)
                    guard found == .YES, let value = unsafe value else { return nil }
                    return unsafe Header.text(value, count)
                }
            }
        }

        /// All header fields as sent and in order, duplicates included.
        package var headers: [(name: String, value: String)] { headers(beginning: "") }

        /// Those whose names begin with `prefix`, which is in lower case; the fields' names may be in any.
        package func headers(beginning prefix: StaticString) -> [(name: String, value: String)] {
            var fields = Fields(prefix: prefix)
            fields.found.reserveCapacity(8)
            unsafe Header.forEach(in: handle, &fields) { state, _, name, nameCount, value, valueCount in
                guard let fields = unsafe state?.assumingMemoryBound(to: Fields.self) else { return .NO }
                if unsafe Header.name(name, nameCount, begins: fields.pointee.prefix) {
                    unsafe fields.pointee.found.append((Header.text(name, nameCount), Header.text(value, valueCount)))
                }
                return .YES
            }
            return fields.found
        }

        /// Whether the path ends so, as sent.
        package func pathEnds(with suffix: StaticString) -> Bool { connection.target.ends(suffix, at: pathEnd) }

        /// The same as bytes.
        package var bodyBytes: Span<UInt8> {
            @_lifetime(borrow self)
            get {
                let memory = unsafe connection.body.memory.assumingMemoryBound(to: UInt8.self)
                return unsafe _overrideLifetime(Span(_unsafeElements: memory), borrowing: self)
            }
        }

        /// The body as it came, wiped when the request is over.
        package var body: RawSpan {
            @_lifetime(borrow self)
            get {
                let memory = unsafe connection.body.memory
                return unsafe _overrideLifetime(RawSpan(_unsafeBytes: memory), borrowing: self)
            }
        }
    }
}

/// Header fields of a request, where libmicrohttpd keeps them.
enum Header {
    /// Visits every field with `state`, which stays where it is: no closure is made for each request.
    @unsafe static func forEach<State>(
        in handle: OpaquePointer, _ state: inout State, _ visit: MHD_KeyValueIteratorN
    ) {
        _ = unsafe withUnsafeMutablePointer(to: &state) { state in
            unsafe MHD_get_connection_values_n(handle, .HEADER_KIND, visit, state)
        }
    }

    @unsafe static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        guard let start = unsafe start, count > 0 else { return "" }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Whether a name begins with `prefix`, which is in lower case, whatever the case of its own letters.
    @unsafe static func name(_ start: UnsafePointer<CChar>?, _ count: Int, begins prefix: StaticString) -> Bool {
        guard let start = unsafe start, count >= prefix.utf8CodeUnitCount else { return false }
        return unsafe strncasecmp(
            start, UnsafeRawPointer(prefix.utf8Start).assumingMemoryBound(to: CChar.self), prefix.utf8CodeUnitCount)
            == 0
    }
}

/// What a visit of the fields gathers.
private struct Fields {
    let prefix: StaticString
    var found: [(name: String, value: String)] = []
}
