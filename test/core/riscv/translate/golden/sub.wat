local.get $x11
local.get $x12
i32.sub
local.set $x10
