local.get $x11
local.get $x12
i32.shl
local.set $x10
