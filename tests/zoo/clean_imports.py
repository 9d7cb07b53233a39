# Large parts of the standard library, imported and hardly used.
import ast
import asyncio
import concurrent.futures
import csv
import ctypes
import dataclasses
import decimal
import difflib
import email.message
import http.client
import http.server
import inspect
import json
import logging.handlers
import multiprocessing
import pathlib
import pickle
import re
import sqlite3
import ssl
import statistics
import tarfile
import tokenize
import typing
import unittest.mock
import urllib.request
import xml.dom.minidom
import xml.etree.ElementTree
import zipfile

import ordinary

USED = (ast, asyncio, concurrent, csv, ctypes, dataclasses, difflib, email, http, inspect, json, logging)
MORE = (multiprocessing, pathlib, pickle, sqlite3, ssl, statistics, tarfile, tokenize, typing, unittest)
REST = (urllib, xml, zipfile)
WORD = re.compile(r"\w+")
total = decimal.Decimal(0)
for request in ordinary.requests(1000):
    total += decimal.Decimal(len(WORD.findall(request.body)))
