import CMicroHTTPD
import Rules
import Synchronization

/// One request and its answer, on the connection's thread.
@safe struct Exchange: ~Copyable {
    private let handle: OpaquePointer
    private let connection: HTTPServer.Connection
    private let method: UnsafePointer<CChar>?

    @unsafe init(_ handle: OpaquePointer, _ connection: HTTPServer.Connection, _ method: UnsafePointer<CChar>?) {
        unsafe self.handle = handle
        self.connection = connection
        unsafe self.method = method
    }

    private var core: Core { connection.core }

    /// Refuses what is not worth reading on for. An answer given now ends the connection, body unread.
    func headerArrived() -> MHD_Result {
        var framing = Framing()
        unsafe Header.forEach(in: handle, &framing) { state, _, name, nameCount, value, valueCount in
            unsafe state?.assumingMemoryBound(to: Framing.self).pointee.note(name, nameCount, value, valueCount)
            return .YES
        }
        if framing.bytes + connection.target.count > core.limits.header {
            return refuse(Problem(.headerTooLarge, "The header is over \(core.limits.header) bytes."))
        }
        if connection.isCutShort { return refuse(Problem(.badRequest, "The target is no URL.")) }
        if framing.isAmbiguous {
            return refuse(Problem(.badRequest, "The length of the body is not clear (RFC 9112, section 6.3)."))
        }
        guard framing.chunked || framing.length > 0 else { return .YES }
        connection.bodyLimit = core.service.bodyLimit(request)
        if framing.length > connection.bodyLimit { return refuse(tooLarge) }
        switch core.service.bodyPlace(request, framing.chunked ? nil : framing.length) {
        case .buffer: break
        case .sink(let sink):
            connection.sink = sink
            return .YES
        case .refuse(let response): return refuse(response)
        }
        return connection.body.reserve(framing.length) ? .YES : .NO
    }

    @unsafe func bodyArrived(_ piece: UnsafePointer<CChar>?, _ count: Int) -> MHD_Result {
        if let sink = connection.sink { return unsafe give(piece, count, to: sink) }
        // The library takes no answer in the middle of a body, so this one goes past it.
        guard connection.body.count + count <= connection.bodyLimit else {
            if connection.enter(.ended) {
                Socket.send(
                    RawAnswer.bytes(core.service.refuse(tooLarge, connection.context)), to: connection.descriptor)
            }
            return .NO
        }
        guard let piece = unsafe piece, unsafe connection.body.append(piece, count) else { return .NO }
        return .YES
    }

    @unsafe private func give(
        _ piece: UnsafePointer<CChar>?, _ count: Int, to sink: HTTPServer.BodySink
    ) -> MHD_Result {
        guard let piece = unsafe piece else { return .NO }
        let memory = unsafe UnsafeRawPointer(piece).assumingMemoryBound(to: UInt8.self)
        let span = unsafe Span(_unsafeStart: memory, count: count)
        guard case .refused(let response) = connection.give(span, to: sink) else { return .YES }
        if connection.enter(.ended) { Socket.send(RawAnswer.bytes(response), to: connection.descriptor) }
        return .NO
    }

    func requestArrived() -> MHD_Result {
        guard connection.enter(.handling) else { return .NO }
        return answer(core.service.handle(request))
    }

    private var request: HTTPServer.Request { unsafe HTTPServer.Request(handle, on: connection, method: method) }

    private var tooLarge: Problem {
        Problem(.tooLarge, "The body is over \(connection.bodyLimit) bytes.")
    }

    private func refuse(_ problem: Problem) -> MHD_Result {
        refuse(core.service.refuse(problem, connection.context))
    }

    private func refuse(_ response: HTTPServer.Response) -> MHD_Result {
        connection.stage = .answered
        var response = response
        response.close = true
        return answer(response)
    }

    /// Hands the answer to the library; its hook runs when the request is over, whatever becomes of it.
    private func answer(_ response: HTTPServer.Response) -> MHD_Result {
        connection.answering(response.onSent)
        guard let queued = unsafe make(response.body) else { return .NO }
        defer { unsafe MHD_destroy_response(queued) }
        // The library refuses a field without a value, and the answer would be lost with it.
        for header in response.headers where header.value.utf8.contains(where: { $0 != 0x20 && $0 != 0x09 }) {
            // Given as they are, they would be copied once more each.
            let added = unsafe header.name.withCString { name in
                unsafe header.value.withCString { value in unsafe MHD_add_response_header(queued, name, value) }
            }
            guard added == .YES else { return .NO }
        }
        if response.close || core.stopping.load(ordering: .relaxed) {
            connection.isLast = true
            _ = unsafe MHD_add_response_header(queued, "Connection", "close")
        }
        guard connection.enter(.sending) else { return .NO }
        return unsafe MHD_queue_response(handle, UInt32(response.status), queued)
    }

    private func make(_ body: HTTPServer.Response.Body) -> OpaquePointer? {
        switch body {
        case .none: unsafe MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
        case .bytes(let bytes):
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe MHD_create_response_from_buffer(
                    bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .text(let text):
            unsafe MHD_create_response_from_buffer(
                text.utf8CodeUnitCount, UnsafeMutableRawPointer(mutating: text.utf8Start), .RESPMEM_PERSISTENT)
        case .lent(let lent):
            unsafe MHD_create_response_from_buffer(
                lent.count, UnsafeMutableRawPointer(mutating: lent.memory.baseAddress), .RESPMEM_PERSISTENT)
        case .stream(let stream): unsafe connection.streams(stream).makeResponse()
        }
    }
}

/// What the header fields say about the body, gathered in one pass.
struct Framing {
    private(set) var bytes = 0
    private(set) var length = 0
    private(set) var chunked = false
    private var lengths = 0

    /// Two lengths, or a length and chunks: two readers could disagree where the next request begins.
    var isAmbiguous: Bool { lengths > 1 || (chunked && lengths > 0) }

    @unsafe mutating func note(
        _ name: UnsafePointer<CChar>?, _ nameCount: Int, _ value: UnsafePointer<CChar>?, _ valueCount: Int
    ) {
        // A colon, a space and the end of the line.
        bytes += nameCount + valueCount + 4
        if nameCount == 14, unsafe Header.name(name, nameCount, begins: "content-length") {
            lengths += 1
            length = unsafe Int(Header.text(value, valueCount)) ?? 0
        } else if nameCount == 17, unsafe Header.name(name, nameCount, begins: "transfer-encoding") {
            chunked = true
        }
    }
}
