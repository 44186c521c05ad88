/// Statement text that was written in this program; a literal with `\(…)` does not compile.
package struct SQL: ExpressibleByStringLiteral, Sendable {
    let text: StaticString

    /// Only a literal gets here; an interpolated string does not compile.
    package init(stringLiteral text: StaticString) { self.text = text }

    /// Where the literal is, which is as good as its text to tell one from another.
    var address: UInt {
        precondition(text.hasPointerRepresentation, "a statement of one character")
        return unsafe UInt(bitPattern: text.utf8Start)
    }
}
