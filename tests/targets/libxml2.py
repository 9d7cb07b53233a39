# libxml2 reaches the allocator through function pointers in its data.
# needs: lib:xml2
# truth: function=copies line=@a domain=malloc total=100*1001,100 leaked=0,0
# truth: function=copies line=@b domain=malloc total=10*51,10 leaked=10*51,10
# truth: function=documents line=@c domain=malloc leaked=0,0
import ctypes
import ctypes.util

xml = ctypes.CDLL(ctypes.util.find_library("xml2"))
xml.xmlStrdup.restype = ctypes.c_void_p
xml.xmlStrdup.argtypes = [ctypes.c_char_p]
xml.xmlReadMemory.restype = ctypes.c_void_p
xml.xmlFreeDoc.argtypes = [ctypes.c_void_p]
release = ctypes.CFUNCTYPE(None, ctypes.c_void_p).in_dll(xml, "xmlFree")
TEXT = b"x" * 1000
SHORT = b"y" * 50
DOCUMENT = b"<a>" + b"<b c='d'>text</b>" * 100 + b"</a>"


def copies():
    for _ in range(100):
        release(xml.xmlStrdup(TEXT))  # @a
    for _ in range(10):
        xml.xmlStrdup(SHORT)  # @b


def documents():
    for _ in range(10):
        document = xml.xmlReadMemory(DOCUMENT, len(DOCUMENT), None, None, 0)  # @c
        xml.xmlFreeDoc(document)


copies()
xml.xmlFreeDoc(xml.xmlReadMemory(DOCUMENT, len(DOCUMENT), None, None, 0))
documents()
