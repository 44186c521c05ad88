/// Writes JSON: compact for the wire, indented with keys in alphabetical order for people and scripts.
extension JSON {
    func compact() -> [UInt8] {
        var out: [UInt8] = []
        write(to: &out, depth: nil)
        return out
    }

    func pretty() -> String {
        var out: [UInt8] = []
        write(to: &out, depth: 0)
        return String(decoding: out, as: UTF8.self)
    }

    private func write(to out: inout [UInt8], depth: Int?) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .int(let number): out += String(number).utf8
        case .double(let number): out += String(number).utf8
        case .string(let text): JSON.quote(text.utf8, into: &out)
        case .array(let items):
            JSON.group("[", "]", count: items.count, depth: depth, to: &out) { index, out, depth in
                items[index].write(to: &out, depth: depth)
            }
        case .object(let fields):
            let keys = fields.keys.sorted()
            JSON.group("{", "}", count: keys.count, depth: depth, to: &out) { index, out, depth in
                JSON.quote(keys[index].utf8, into: &out)
                out += (depth == nil ? ":" : ": ").utf8
                fields[keys[index]]?.write(to: &out, depth: depth)
            }
        }
    }

    private static func group(
        _ open: Character, _ close: Character, count: Int, depth: Int?, to out: inout [UInt8],
        item: (Int, inout [UInt8], Int?) -> Void
    ) {
        out += String(open).utf8
        for index in 0..<count {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            if let depth { out += ("\n" + String(repeating: "  ", count: depth + 1)).utf8 }
            item(index, &out, depth.map { $0 + 1 })
        }
        if let depth, count > 0 { out += ("\n" + String(repeating: "  ", count: depth)).utf8 }
        out += String(close).utf8
    }

    /// A string with its quotes (RFC 8259, section 7). DEL and the C1 controls are escaped as well: they can move a
    /// terminal's cursor.
    static func quote(_ text: some Sequence<UInt8>, into out: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        var lead: UInt8?
        for byte in text {
            if lead != nil {
                lead = nil
                if byte < 0xA0 {
                    out += [UInt8]("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
                    continue
                }
                out += [0xC2, byte]
                continue
            }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): out += "\\n".utf8
            case UInt8(ascii: "\r"): out += "\\r".utf8
            case UInt8(ascii: "\t"): out += "\\t".utf8
            case 0..<0x20, 0x7F: out += [UInt8]("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            case 0xC2: lead = byte
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
