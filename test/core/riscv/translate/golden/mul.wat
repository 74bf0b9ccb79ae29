local.get $x11
local.get $x12
i32.mul
local.set $x10
