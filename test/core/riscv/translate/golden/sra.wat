local.get $x11
local.get $x12
i32.shr_s
local.set $x10
