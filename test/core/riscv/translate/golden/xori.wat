local.get $x11
i32.const -16
i32.xor
local.set $x10
