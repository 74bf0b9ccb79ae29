local.get $x11
i32.const -16
i32.add
local.get $x12
i32.store16 offset=65536
