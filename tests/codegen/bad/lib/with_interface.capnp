@0xc000000000000102;
interface Sink {}
struct Deep { sink @0 :Sink; }
