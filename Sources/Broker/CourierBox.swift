import Errands
import Synchronization

/// The courier, once there is one.
final class CourierBox: Sendable {
    private let courier = Mutex<Courier?>(nil)

    func set(_ courier: Courier) { self.courier.withLock { $0 = courier } }
    func get() -> Courier? { courier.withLock { $0 } }
}
