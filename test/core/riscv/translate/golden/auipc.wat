i32.const 2099184
local.set $x10
