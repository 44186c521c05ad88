import CSodium

/// Lower-case hex, by libsodium in constant time.
package enum Hex {
    /// Lower-case hex, in constant time.
    package static func encode(_ bytes: Span<UInt8>) -> String {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe String(unsafeUninitializedCapacity: input.count * 2 + 1) { out in
                _ = unsafe out.withMemoryRebound(to: CChar.self) {
                    unsafe sodium_bin2hex($0.baseAddress!, $0.count, input.baseAddress, input.count)
                }
                return input.count * 2
            }
        }
    }

    /// nil unless it is an even number of hex digits, either case.
    package static func decode(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        return decode(text.span)
    }

    /// Bytes of hex of either case; nil for anything else. Constant time in the digits.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var good = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: text.count / 2) { out, initialized in
            var span = unsafe MutableSpan(_unsafeElements: out)
            initialized = decode(text, into: &span) ?? 0
            good = initialized == text.count / 2
        }
        return good ? bytes : nil
    }

    /// Decodes secret bytes into guarded memory; nil when it is not hex or does not fit.
    package static func decode(_ text: Span<UInt8>, into room: inout MutableSpan<UInt8>) -> Int? {
        guard text.count > 0 else { return 0 }
        guard room.count > 0 else { return nil }
        var length = 0
        let result = unsafe text.withUnsafeBufferPointer { input in
            unsafe input.withMemoryRebound(to: CChar.self) { input in
                unsafe room.withUnsafeMutableBufferPointer { out in
                    unsafe sodium_hex2bin(
                        out.baseAddress!, out.count, input.baseAddress!, input.count, nil, &length, nil)
                }
            }
        }
        return result == 0 && length * 2 == text.count ? length : nil
    }
}

/// Base64 (RFC 4648), by libsodium in constant time.
package enum Base64: Sendable {
    /// Section 4, with padding.
    case standard
    /// Section 5, URL-safe, without padding.
    case url

    private var variant: Int32 {
        switch self {
        case .standard: sodium_base64_VARIANT_ORIGINAL
        case .url: sodium_base64_VARIANT_URLSAFE_NO_PADDING
        }
    }

    /// How many characters `count` bytes become.
    package func length(of count: Int) -> Int { sodium_base64_encoded_len(count, variant) - 1 }

    /// The text in this variant, in constant time.
    package func encode(_ bytes: Span<UInt8>) -> String {
        let length = length(of: bytes.count)
        return unsafe bytes.withUnsafeBufferPointer { input in
            unsafe String(unsafeUninitializedCapacity: length + 1) { out in
                _ = unsafe out.withMemoryRebound(to: CChar.self) {
                    unsafe sodium_bin2base64($0.baseAddress!, $0.count, input.baseAddress, input.count, variant)
                }
                return length
            }
        }
    }

    /// Encodes secret bytes at the end of a slab.
    package func encode(_ bytes: Span<UInt8>, into slab: Slab) {
        let length = length(of: bytes.count)
        slab.append(upTo: length + 1) { room in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe room.withUnsafeMutableBufferPointer { out in
                    _ = unsafe out.withMemoryRebound(to: CChar.self) {
                        unsafe sodium_bin2base64($0.baseAddress!, $0.count, input.baseAddress, input.count, variant)
                    }
                }
            }
            return length
        }
    }

    /// nil unless it is this variant of base64, with nothing around it.
    package func decode(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        return decode(text.span)
    }

    /// The bytes of text in this variant; nil for anything else.
    package func decode(_ text: Span<UInt8>) -> [UInt8]? {
        var good = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { out, initialized in
            var span = unsafe MutableSpan(_unsafeElements: out)
            let length = decode(text, into: &span)
            initialized = length ?? 0
            good = length != nil
        }
        return good ? bytes : nil
    }

    /// Decodes secret bytes into guarded memory; nil when it is not base64 or does not fit.
    package func decode(_ text: Span<UInt8>, into room: inout MutableSpan<UInt8>) -> Int? {
        guard text.count > 0 else { return 0 }
        guard room.count > 0 else { return nil }
        var length = 0
        let result = unsafe text.withUnsafeBufferPointer { input in
            unsafe input.withMemoryRebound(to: CChar.self) { input in
                unsafe room.withUnsafeMutableBufferPointer { out in
                    // Without an end pointer libsodium refuses anything left over.
                    unsafe sodium_base642bin(
                        out.baseAddress!, out.count, input.baseAddress!, input.count, nil, &length, nil, variant)
                }
            }
        }
        return result == 0 ? length : nil
    }
}
