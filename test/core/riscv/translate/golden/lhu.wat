local.get $x11
i32.const -16
i32.add
i32.load16_u offset=65536
local.set $x10
